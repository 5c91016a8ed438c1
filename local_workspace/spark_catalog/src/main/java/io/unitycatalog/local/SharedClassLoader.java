package io.unitycatalog.local;

import java.nio.file.Files;
import java.util.Map;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.executor.IsolatedSessionState;
import org.apache.spark.sql.artifact.ArtifactManager$;

/**
 * Gives the tasks of all sessions that have brought no classes one class loader, and with it one cache of compiled
 * expressions.
 *
 * <p>Spark keeps a session's classes apart by a class loader of its own, empty as it may be, and compiles anew what it
 * has compiled for another loader: for every step once more. Sessions with a JAR stay apart. What the driver compiles
 * is {@link ConnectServer}'s.
 */
public final class SharedClassLoader implements SparkPlugin {
  @Override
  public DriverPlugin driverPlugin() {
    return null;
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      @Override
      public void onTaskStart() { // before the task is read
        Thread thread = Thread.currentThread();
        if (isEmpty(thread.getContextClassLoader())) {
          thread.setContextClassLoader(ConnectServer.sharedLoader());
        }
      }
    };
  }

  private static boolean isEmpty(ClassLoader loader) {
    for (Map.Entry<String, IsolatedSessionState> session : IsolatedSessionState.sessions().entrySet()) {
      if (session.getValue().replClassLoader() == loader) {
        return session.getValue().urlClassLoader().getURLs().length == 0 && !hasClassFiles(session.getKey());
      }
    }
    return false;
  }

  private static boolean hasClassFiles(String session) {
    return Files.exists(ArtifactManager$.MODULE$.artifactRootDirectory().resolve(session).resolve("classes"));
  }
}

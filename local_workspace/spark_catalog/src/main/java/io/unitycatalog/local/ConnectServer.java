package io.unitycatalog.local;

import java.net.URL;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SparkConnectService;
import org.apache.spark.sql.connect.service.SparkConnectService$;

/**
 * Starts the Spark Connect server with a class loader that remembers which classes there are not, and which all sessions
 * share that have brought no classes.
 *
 * <p>Compiling an expression, Spark's compiler asks for names that no class has, some fifty each time; each is looked
 * for in some three hundred jars. That took a fifth of the server's CPU (docs/explanation/local-workspace.md).
 */
public final class ConnectServer {
  private static final ClassLoader SHARED = new RememberingLoader(Thread.currentThread().getContextClassLoader());

  private ConnectServer() {}

  static ClassLoader sharedLoader() {
    return SHARED;
  }

  /** Runs the server until it is told to stop. Spark's own main class would give every session a loader of its own. */
  public static void main(String[] arguments) {
    Thread.currentThread().setContextClassLoader(SHARED); // all threads inherit it
    try {
      SparkConnectService.start(SparkSession.builder().getOrCreate().sparkContext());
      SparkConnectService$.MODULE$.server().awaitTermination();
    } catch (Throwable error) { // other threads would keep the process, deaf
      error.printStackTrace();
      System.exit(1);
    }
  }

  /** Answers from its parent, whose class path never changes: what is missing stays missing. */
  private static final class RememberingLoader extends ClassLoader {
    static {
      registerAsParallelCapable();
    }

    /** Settings of what does not run here, 882 of them: Hadoop would pack them, each by itself, into what tasks get. */
    private static final Set<String> LEFT_OUT = Set.of("mapred-default.xml", "yarn-default.xml");

    private final Map<String, ClassNotFoundException> missing = new ConcurrentHashMap<>();

    RememberingLoader(ClassLoader parent) {
      super(parent);
    }

    @Override
    public URL getResource(String name) {
      return LEFT_OUT.contains(name) ? null : super.getResource(name);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      ClassNotFoundException known = missing.get(name);
      if (known != null) {
        throw known;
      }
      try {
        return getParent().loadClass(name);
      } catch (ClassNotFoundException error) {
        missing.put(name, new Missing(name));
        throw error;
      }
    }
  }

  /** The same one is thrown many times, from many threads: so it knows no stack. */
  private static final class Missing extends ClassNotFoundException {
    Missing(String name) {
      super(name);
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this;
    }
  }
}

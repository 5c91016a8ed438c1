package io.unitycatalog.local;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.connect.service.SparkConnectServer;

/**
 * Starts the Spark Connect server with a class loader that remembers which classes there are not.
 *
 * <p>Compiling an expression, Spark's compiler asks for names that no class has, some fifty each time; each is looked
 * for in some three hundred jars. That took a fifth of the server's CPU (docs/explanation/local-workspace.md).
 */
public final class ConnectServer {
  private ConnectServer() {}

  /** Runs the server until it is told to stop. */
  public static void main(String[] arguments) {
    Thread thread = Thread.currentThread();
    thread.setContextClassLoader(new RememberingLoader(thread.getContextClassLoader())); // all threads inherit it
    SparkConnectServer.main(arguments);
  }

  /** Answers from its parent, whose class path never changes: what is missing stays missing. */
  private static final class RememberingLoader extends ClassLoader {
    static {
      registerAsParallelCapable();
    }

    private final Map<String, ClassNotFoundException> missing = new ConcurrentHashMap<>();

    RememberingLoader(ClassLoader parent) {
      super(parent);
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

package io.unitycatalog.local;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.spark.sql.SparkSession;

/**
 * Runs the main class of a JAR task in a JVM of its own, with the run's Spark Connect session as the session that
 * {@code SparkSession.builder().getOrCreate()} gives.
 *
 * <p>What to run comes as system properties from serverless_runtime/jar_task.py, arguments are those of the main class.
 * An uncaught exception is written to the report file: its words, and its trace in terms of the user's own frames.
 */
public final class JarTask {
  private static final String PREFIX = "lakehouse.session.";
  private static final String LOADER = "jar";

  private JarTask() {}

  /** Runs the main class, then ends the JVM: code 0, or 1 when it threw. */
  public static void main(String[] arguments) throws IOException {
    int code = 0;
    try {
      run(System.getProperty("lakehouse.main"), listJars(), arguments);
    } catch (Throwable error) { // whatever user code throws is its result
      System.out.flush();
      String trace = describeTrace(error);
      System.err.print(trace);
      report(error, trace);
      code = 1;
    }
    System.exit(code); // threads of the Spark client would keep the JVM
  }

  private static void run(String mainClass, List<Path> jars, String[] arguments) throws Throwable {
    ClassLoader loader = openLoader(jars);
    Thread.currentThread().setContextClassLoader(loader);
    Method main = findMain(mainClass, loader, jars);
    try (SparkSession session = openSession(jars)) {
      main.invoke(null, (Object) arguments);
    } catch (InvocationTargetException error) {
      throw error.getCause();
    }
  }

  private static SparkSession openSession(List<Path> jars) {
    SparkSession session = SparkSession.builder().getOrCreate(); // connects to the system property spark.remote
    Properties properties = System.getProperties();
    for (String name : properties.stringPropertyNames()) {
      if (name.startsWith(PREFIX)) {
        session.conf().set(name.substring(PREFIX.length()), properties.getProperty(name));
      }
    }
    for (Path jar : jars) {
      session.addArtifact(jar.toUri()); // user-defined functions run on the server
    }
    return session;
  }

  private static Method findMain(String mainClass, ClassLoader loader, List<Path> jars) throws Exception {
    try {
      Method main = Class.forName(mainClass, false, loader).getMethod("main", String[].class);
      if (!Modifier.isStatic(main.getModifiers())) {
        throw new NoSuchMethodException("not static");
      }
      return main;
    } catch (ClassNotFoundException error) {
      String names = String.join(", ", jars.stream().map(jar -> jar.getFileName().toString()).toList());
      throw new ClassNotFoundException("Main class '" + mainClass + "' is in none of the task's JARs: " + names);
    } catch (NoSuchMethodException error) {
      throw new NoSuchMethodException("Main class '" + mainClass + "' has no public static void main(String[])");
    }
  }

  private static ClassLoader openLoader(List<Path> jars) throws IOException {
    List<URL> urls = new ArrayList<>();
    for (Path jar : jars) {
      urls.add(jar.toUri().toURL());
    }
    return new URLClassLoader(LOADER, urls.toArray(new URL[0]), JarTask.class.getClassLoader());
  }

  private static List<Path> listJars() {
    return Arrays.stream(System.getProperty("lakehouse.jars").split(File.pathSeparator)).map(Path::of).toList();
  }

  /** Returns the error's words; a missing privilege is told even when Spark wrapped it in another error. */
  private static String describe(Throwable error) {
    String words = error.toString();
    for (Throwable part = error.getCause(); part != null; part = part.getCause()) {
      int start = String.valueOf(part.getMessage()).indexOf("[" + AccessDenied.CONDITION + "]");
      if (start >= 0 && !words.contains(AccessDenied.CONDITION)) {
        words += " " + part.getMessage().substring(start);
      }
    }
    return words;
  }

  /** Returns the trace as Java prints it, cut down to where it was thrown and the user's own frames. */
  private static String describeTrace(Throwable error) {
    StringBuilder text = new StringBuilder();
    String lead = "";
    for (Throwable part = error; part != null; part = part.getCause()) {
      text.append(lead).append(part).append('\n');
      appendFrames(text, part.getStackTrace());
      lead = "Caused by: ";
    }
    return text.toString();
  }

  private static void appendFrames(StringBuilder text, StackTraceElement[] frames) {
    int hidden = -1; // the first frame is where it was thrown: always told
    for (StackTraceElement frame : frames) {
      if (frame.getClassName().equals(JarTask.class.getName())) {
        continue;
      }
      boolean isUsers = LOADER.equals(frame.getClassLoaderName());
      if (!isUsers && hidden >= 0) {
        hidden++;
        continue;
      }
      if (hidden > 0) {
        text.append("\t... ").append(hidden).append(" frames of libraries\n");
      }
      text.append("\tat ").append(frame).append('\n');
      hidden = 0;
    }
  }

  private static void report(Throwable error, String trace) throws IOException {
    Properties report = new Properties();
    report.setProperty("error", describe(error));
    report.setProperty("error_trace", trace);
    try (var stream = Files.newOutputStream(Path.of(System.getProperty("lakehouse.report")))) {
      report.storeToXML(stream, null);
    }
  }
}

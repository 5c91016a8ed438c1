package io.unitycatalog.local;

import org.apache.spark.sql.SparkSession;

/** What JAR tasks do most, done once as a JAR task with nobody waiting: it trains their AOT cache. */
public final class JarTaskWarmUp {
  private JarTaskWarmUp() {}

  /** Takes no arguments. */
  public static void main(String[] arguments) {
    SparkSession session = SparkSession.builder().getOrCreate();
    session.range(1, 100).count();
    session.sql("SELECT id, cast(id AS string) AS name FROM range(9)").collectAsList();
  }
}

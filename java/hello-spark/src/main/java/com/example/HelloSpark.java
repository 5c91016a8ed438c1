package com.example;

import org.apache.spark.sql.SparkSession;

/** Counts a range with Spark and prints the count. */
public final class HelloSpark {
  private HelloSpark() {}

  /** Takes no arguments. */
  public static void main(String[] arguments) {
    SparkSession spark = SparkSession.builder().appName("HelloSpark").getOrCreate();
    System.out.println("Count is: " + spark.range(1, 100).count());
  }
}

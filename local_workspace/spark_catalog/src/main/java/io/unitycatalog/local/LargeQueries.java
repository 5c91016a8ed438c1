package io.unitycatalog.local;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ReturnAnswer;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Lets a session generate code for its expressions from its first query over much data on. Until then they are
 * evaluated as they are, the server's setting: compiling them takes longer than few rows do. It plans nothing itself.
 */
final class LargeQueries extends SparkStrategy {
  private static final double LARGE_BYTES = 2L << 20;
  private static final double UNKNOWN = Long.MAX_VALUE;
  private static final String MODE = "spark.sql.codegen.factoryMode";

  private final SparkSession session;

  LargeQueries(SparkSession session) {
    this.session = session;
  }

  @Override
  @SuppressWarnings("unchecked")
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (plan instanceof ReturnAnswer && bytesRead(plan) >= LARGE_BYTES) { // the whole query, not a part of one
      session.conf().set(MODE, "FALLBACK");
    }
    return (Seq<SparkPlan>) (Seq<?>) Nil$.MODULE$;
  }

  /** Sums what is known; what Spark knows no size of are rows made by a query before, such as Delta's own log. */
  private static double bytesRead(LogicalPlan plan) {
    double bytes = 0;
    for (LogicalPlan leaf : CollectionConverters.asJava(plan.collectLeaves())) {
      double size = leaf.stats().sizeInBytes().doubleValue();
      bytes += size < UNKNOWN ? size : 0;
    }
    return bytes;
  }
}

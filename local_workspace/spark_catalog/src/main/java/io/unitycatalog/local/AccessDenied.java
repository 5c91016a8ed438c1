package io.unitycatalog.local;

import java.util.Map;
import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/** A missing privilege, with the condition and SQLSTATE that Databricks reports. */
final class AccessDenied extends AnalysisException {
  static final String CONDITION = "INSUFFICIENT_PERMISSIONS"; // its text is in engines/toolchain.py

  private final String report;

  AccessDenied(String message) {
    super(
        "[" + CONDITION + "] Insufficient privileges: " + message + " SQLSTATE: 42501",
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Map$.MODULE$.empty(),
        new QueryContext[0]);
    this.report = message;
  }

  @Override
  public Map<String, String> getMessageParameters() {
    return Map.of("report", report);
  }

  @Override
  public String getCondition() {
    return CONDITION;
  }

  @Override
  public String getSqlState() {
    return "42501";
  }

  /** Lets a checked exception pass through Spark's interfaces, which are Scala's and declare none. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> E sneak(Throwable error) throws E {
    throw (E) error;
  }
}

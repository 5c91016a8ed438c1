package io.unitycatalog.local;

import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/** What serverless compute does not offer, because all sessions of the server would share it. */
final class NotServed extends AnalysisException {
  NotServed(String message) {
    super(
        "[UNSUPPORTED_FEATURE] " + message + " SQLSTATE: 0A000",
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Map$.MODULE$.empty(),
        new QueryContext[0]);
  }

  @Override
  public String getCondition() {
    return "UNSUPPORTED_FEATURE";
  }

  @Override
  public String getSqlState() {
    return "0A000";
  }
}

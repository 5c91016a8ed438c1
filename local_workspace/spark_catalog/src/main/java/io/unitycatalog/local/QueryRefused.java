package io.unitycatalog.local;

import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/** Why a query is refused, with the condition and SQLSTATE that Databricks reports. */
abstract class QueryRefused extends AnalysisException {
  private final String condition;
  private final String sqlState;

  QueryRefused(String condition, String sqlState, String message) {
    super(
        "[" + condition + "] " + message + " SQLSTATE: " + sqlState,
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Map$.MODULE$.empty(),
        new QueryContext[0]);
    this.condition = condition;
    this.sqlState = sqlState;
  }

  @Override
  public String getCondition() {
    return condition;
  }

  @Override
  public String getSqlState() {
    return sqlState;
  }
}

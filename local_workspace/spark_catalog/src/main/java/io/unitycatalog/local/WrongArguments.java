package io.unitycatalog.local;

import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/** A function that is called with too few or too many arguments. */
final class WrongArguments extends AnalysisException {
  private static final String CONDITION = "WRONG_NUM_ARGS.WITHOUT_SUGGESTION";

  WrongArguments(String function, int expected, int given) {
    super(
        String.format(
            "[%s] The `%s` requires %d parameters but the actual number is %d. SQLSTATE: 42605",
            CONDITION, function, expected, given),
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Option.empty(),
        Map$.MODULE$.empty(),
        new QueryContext[0]);
  }

  @Override
  public String getCondition() {
    return CONDITION;
  }

  @Override
  public String getSqlState() {
    return "42605";
  }
}

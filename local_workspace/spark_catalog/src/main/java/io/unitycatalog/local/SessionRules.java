package io.unitycatalog.local;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.analysis.LocalTempView$;
import org.apache.spark.sql.catalyst.expressions.CurrentUser;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.SparkStrategy;
import org.apache.spark.sql.execution.command.CreateFunctionCommand;
import org.apache.spark.sql.execution.command.CreateViewCommand;
import scala.runtime.AbstractFunction1;
import scala.runtime.AbstractFunction2;
import scala.runtime.AbstractPartialFunction;
import scala.runtime.BoxedUnit;

/**
 * Makes a session its principal's own: current_user() answers whose token the session has, also inside a view, where
 * Spark alone answers the operating system's user; and nothing can be left where other principals' sessions find it.
 * Loaded as a Spark session extension.
 */
public final class SessionRules extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  private static final int MOST = 1_000;
  private static final Map<String, String> NAMES = new ConcurrentHashMap<>();

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectPostHocResolutionRule(
        new AbstractFunction1<>() {
          @Override
          public Rule<LogicalPlan> apply(org.apache.spark.sql.SparkSession session) {
            return new NameCurrentUser();
          }
        });
    extensions.injectParser(
        new AbstractFunction2<>() {
          @Override
          public ParserInterface apply(org.apache.spark.sql.SparkSession session, ParserInterface parser) {
            return ParameterParser.wrap(parser);
          }
        });
    extensions.injectPlannerStrategy(
        new AbstractFunction1<>() {
          @Override
          public SparkStrategy apply(org.apache.spark.sql.SparkSession session) {
            return new LargeQueries(session);
          }
        });
    extensions.injectCheckRule(
        new AbstractFunction1<>() {
          @Override
          public AbstractFunction1<LogicalPlan, BoxedUnit> apply(org.apache.spark.sql.SparkSession session) {
            return new RefuseShared();
          }
        });
    return BoxedUnit.UNIT;
  }

  private static String ask(String token) {
    if (NAMES.size() > MOST) {
      NAMES.clear();
    }
    return NAMES.computeIfAbsent(
        token, some -> new GatewayClient(token).get("/api/2.0/preview/scim/v2/Me").path("userName").asText());
  }

  /** Refuses what Spark would share between the sessions of all principals. */
  private static final class RefuseShared extends AbstractFunction1<LogicalPlan, BoxedUnit> {
    @Override
    public BoxedUnit apply(LogicalPlan plan) {
      if (plan instanceof CreateViewCommand view && view.viewType() != LocalTempView$.MODULE$) {
        throw AccessDenied.<RuntimeException>sneak(
            new NotServed("View " + view.name() + ": use a temporary view, or a view in a schema of a catalog."));
      }
      if (plan instanceof CreateFunctionCommand function && !function.isTemp()) {
        throw AccessDenied.<RuntimeException>sneak(
            new NotServed("Function " + function.identifier() + ": only temporary functions are served here."));
      }
      return BoxedUnit.UNIT;
    }
  }

  /** Replaces current_user() by the name. */
  private static final class NameCurrentUser extends Rule<LogicalPlan> {
    @Override
    public LogicalPlan apply(LogicalPlan plan) {
      String token = conf().getConfString("fs.lakehouse.token", "");
      if (token.isEmpty()) {
        return plan;
      }
      return (LogicalPlan) plan.transformAllExpressionsWithSubqueries(
          new AbstractPartialFunction<Expression, Expression>() {
            @Override
            public boolean isDefinedAt(Expression expression) {
              return expression instanceof CurrentUser;
            }

            @Override
            public Expression apply(Expression expression) {
              return Literal$.MODULE$.apply(ask(token));
            }
          });
    }
  }
}

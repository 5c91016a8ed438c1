package io.unitycatalog.local;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.analysis.LocalTempView$;
import org.apache.spark.sql.catalyst.expressions.CallMethodViaReflection;
import org.apache.spark.sql.catalyst.expressions.CurrentUser;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ScriptTransformation;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.SparkStrategy;
import org.apache.spark.sql.execution.command.AddArchivesCommand;
import org.apache.spark.sql.execution.command.AddFilesCommand;
import org.apache.spark.sql.execution.command.AddJarsCommand;
import org.apache.spark.sql.execution.command.CreateFunctionCommand;
import org.apache.spark.sql.execution.command.CreateViewCommand;
import org.apache.spark.sql.execution.command.ResetCommand;
import org.apache.spark.sql.execution.command.SetCommand;
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
  private static final List<String> BINDING = List.of("fs.", "spark.hadoop.", "spark.sql.catalog");
  private static final Map<String, String> NAMES = new ConcurrentHashMap<>();

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectHintResolutionRule( // which runs before relations are looked up
        new AbstractFunction1<>() {
          @Override
          public Rule<LogicalPlan> apply(SparkSession session) {
            return new UnknownCatalogs(session);
          }
        });
    extensions.injectHintResolutionRule(
        new AbstractFunction1<>() {
          @Override
          public Rule<LogicalPlan> apply(SparkSession session) {
            return new ClosedSources(session);
          }
        });
    extensions.injectPostHocResolutionRule(
        new AbstractFunction1<>() {
          @Override
          public Rule<LogicalPlan> apply(SparkSession session) {
            return new BindExpressions(session);
          }
        });
    extensions.injectResolutionRule(
        new AbstractFunction1<>() {
          @Override
          public Rule<LogicalPlan> apply(SparkSession session) {
            return new ExpandFunctions(session);
          }
        });
    extensions.injectParser(
        new AbstractFunction2<>() {
          @Override
          public ParserInterface apply(SparkSession session, ParserInterface parser) {
            return ParameterParser.wrap(parser);
          }
        });
    extensions.injectPlannerStrategy(
        new AbstractFunction1<>() {
          @Override
          public SparkStrategy apply(SparkSession session) {
            return new LargeQueries(session);
          }
        });
    extensions.injectCheckRule(
        new AbstractFunction1<>() {
          @Override
          public AbstractFunction1<LogicalPlan, BoxedUnit> apply(SparkSession session) {
            return new RefuseUnbound();
          }
        });
    return BoxedUnit.UNIT;
  }

  /** Says whether the session is the server's own, which warms it up: it has a token that is made for each start. */
  static boolean isWarmUp(String token) {
    return !ServerSecrets.WARM_UP.isBlank() && ServerSecrets.WARM_UP.equals(token);
  }

  /** Returns the session's token, also while a view is resolved, which has settings of its own. */
  static String tokenOf(SparkSession session) {
    return session.sessionState().conf().getConfString("fs.lakehouse.token", "");
  }

  static String nameOf(String token) {
    if (isWarmUp(token)) {
      return "warm-up";
    }
    if (NAMES.size() > MOST) {
      NAMES.clear();
    }
    return NAMES.computeIfAbsent(
        token, some -> new GatewayClient(token).get("/api/2.0/preview/scim/v2/Me").path("userName").asText());
  }

  /** Refuses what Spark would share between the sessions of all principals, and what would free one of its own. */
  private static final class RefuseUnbound extends AbstractFunction1<LogicalPlan, BoxedUnit> {
    @Override
    public BoxedUnit apply(LogicalPlan plan) {
      if (plan instanceof CreateViewCommand view && view.viewType() != LocalTempView$.MODULE$) {
        throw AccessDenied.<RuntimeException>sneak(
            new NotServed("View " + view.name() + ": use a temporary view, or a view in a schema of a catalog."));
      }
      if (plan instanceof CreateFunctionCommand function) { // of a Java class; those in SQL are another command
        throw AccessDenied.<RuntimeException>sneak(
            new NotServed("Function " + function.identifier() + ": only temporary functions in SQL are served here."));
      }
      if (plan instanceof SetCommand set && set.kv().isDefined() && set.kv().get()._2().isDefined()) {
        OpenSources.requireSetting(set.kv().get()._1());
      }
      if (plan instanceof ResetCommand reset) {
        refuseBinding(reset.config().isDefined() ? reset.config().get() : BINDING.get(0) + "*");
      }
      if (plan.exists(RefuseUnbound::runsForeignCode)) {
        throw AccessDenied.<RuntimeException>sneak(new NotServed("Code and files of the machine are not served."));
      }
      return BoxedUnit.UNIT;
    }

    private static boolean runsForeignCode(LogicalPlan plan) {
      return plan instanceof ScriptTransformation
          || plan instanceof AddJarsCommand
          || plan instanceof AddFilesCommand
          || plan instanceof AddArchivesCommand;
    }
  }

  /** Refuses a setting by which the session is bound to its principal. */
  private static void refuseBinding(String name) {
    if (BINDING.stream().anyMatch(name::startsWith)) {
      throw AccessDenied.<RuntimeException>sneak(new NotServed("Configuration " + name + " is not available."));
    }
  }

  /** Replaces current_user() by the name, and lets no expression call the server's own Java methods. */
  private static final class BindExpressions extends Rule<LogicalPlan> {
    private final SparkSession session;

    private BindExpressions(SparkSession session) {
      this.session = session;
    }

    @Override
    public LogicalPlan apply(LogicalPlan plan) {
      String token = tokenOf(session);
      return (LogicalPlan) plan.transformAllExpressionsWithSubqueries(
          new AbstractPartialFunction<Expression, Expression>() {
            @Override
            public boolean isDefinedAt(Expression expression) {
              return expression instanceof CallMethodViaReflection || (expression instanceof CurrentUser && !token.isEmpty());
            }

            @Override
            public Expression apply(Expression expression) {
              if (expression instanceof CallMethodViaReflection) {
                throw AccessDenied.<RuntimeException>sneak(
                    new NotServed("Function " + expression.prettyName() + ": Java methods are not served."));
              }
              return Literal$.MODULE$.apply(nameOf(token));
            }
          });
    }
  }
}

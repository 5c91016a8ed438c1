package io.unitycatalog.local;

import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.UnresolvedAttribute;
import org.apache.spark.sql.catalyst.expressions.ApplyFunctionExpression;
import org.apache.spark.sql.catalyst.expressions.Cast$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.types.DataType;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/** Puts the body of a SQL function, with its arguments for its parameters, where the function is called. */
final class ExpandFunctions extends Rule<LogicalPlan> {
  private final SparkSession session;

  ExpandFunctions(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.resolveExpressions(
        new AbstractPartialFunction<Expression, Expression>() {
          @Override
          public boolean isDefinedAt(Expression expression) {
            return expression instanceof ApplyFunctionExpression call && call.function() instanceof SqlFunction;
          }

          @Override
          public Expression apply(Expression expression) {
            ApplyFunctionExpression call = (ApplyFunctionExpression) expression;
            return expand((SqlFunction) call.function(), CollectionConverters.asJava(call.children()));
          }
        });
  }

  private Expression expand(SqlFunction function, List<Expression> arguments) {
    Expression body = parse(function.body());
    if (body.exists(part -> part instanceof SubqueryExpression)) {
      throw AccessDenied.<RuntimeException>sneak(
          new NotServed("Function " + function.name() + ": functions that read tables are not served here."));
    }
    return cast(body.transform(new Arguments(function, arguments)), function.resultType());
  }

  private Expression parse(String text) {
    try {
      return session.sessionState().sqlParser().parseExpression(text);
    } catch (ParseException error) {
      throw AccessDenied.<RuntimeException>sneak(error);
    }
  }

  private static Expression cast(Expression value, DataType type) {
    return Cast$.MODULE$.apply(value, type, true);
  }

  /** Replaces the names of parameters by what the call gives for them. */
  private static final class Arguments extends AbstractPartialFunction<Expression, Expression> {
    private final SqlFunction function;
    private final List<Expression> arguments;

    private Arguments(SqlFunction function, List<Expression> arguments) {
      this.function = function;
      this.arguments = arguments;
    }

    @Override
    public boolean isDefinedAt(Expression expression) {
      return indexOf(expression) >= 0;
    }

    @Override
    public Expression apply(Expression expression) {
      int index = indexOf(expression);
      return cast(arguments.get(index), function.inputTypes()[index]);
    }

    private int indexOf(Expression expression) {
      if (!(expression instanceof UnresolvedAttribute attribute)) {
        return -1;
      }
      List<String> parts = CollectionConverters.asJava(attribute.nameParts());
      return parts.size() == 1 ? function.indexOf(parts.get(0)) : -1;
    }
  }
}

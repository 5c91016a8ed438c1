package io.unitycatalog.local;

import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.UnresolvedNamespace;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTable;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableOrView;
import org.apache.spark.sql.catalyst.analysis.UnresolvedView;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.InsertIntoStatement;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.V2WriteCommand;
import org.apache.spark.sql.catalyst.rules.Rule;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Asks the gateway for a catalog that the session does not know, before Spark takes its name for a schema's: a session
 * knows those that its principal may use, and who names another is told which privilege is missing.
 */
final class UnknownCatalogs extends Rule<LogicalPlan> {
  private static final int OBJECT_PARTS = 3;
  private static final int SCHEMA_PARTS = 2;

  private final SparkSession session;

  UnknownCatalogs(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    String token = SessionRules.tokenOf(session);
    if (!token.isEmpty() && !SessionRules.isWarmUp(token)) {
      plan.foreachWithSubqueries(
          new AbstractFunction1<LogicalPlan, BoxedUnit>() {
            @Override
            public BoxedUnit apply(LogicalPlan node) {
              ask(node, token);
              askForFunctions(node, token);
              return BoxedUnit.UNIT;
            }
          });
    }
    return plan;
  }

  private void askForFunctions(LogicalPlan node, String token) {
    for (Expression whole : CollectionConverters.asJava(node.expressions())) {
      whole.foreach(
          new AbstractFunction1<Expression, BoxedUnit>() {
            @Override
            public BoxedUnit apply(Expression expression) {
              if (expression instanceof UnresolvedFunction function) {
                ask(function.nameParts(), OBJECT_PARTS, token);
              }
              return BoxedUnit.UNIT;
            }
          });
    }
  }

  private void ask(Object node, String token) {
    if (node instanceof UnresolvedRelation relation) {
      ask(relation.multipartIdentifier(), OBJECT_PARTS, token);
    } else if (node instanceof UnresolvedTable table) {
      ask(table.multipartIdentifier(), OBJECT_PARTS, token);
    } else if (node instanceof UnresolvedTableOrView either) {
      ask(either.multipartIdentifier(), OBJECT_PARTS, token);
    } else if (node instanceof UnresolvedView view) {
      ask(view.multipartIdentifier(), OBJECT_PARTS, token);
    } else if (node instanceof UnresolvedIdentifier name) { // of a new table, view or schema
      ask(name.nameParts(), SCHEMA_PARTS, token);
    } else if (node instanceof UnresolvedNamespace namespace) {
      ask(namespace.multipartIdentifier(), SCHEMA_PARTS, token);
    } else if (node instanceof InsertIntoStatement insert) { // whose table is none of its children
      ask(insert.table(), token);
    } else if (node instanceof V2WriteCommand write) {
      ask(write.table(), token);
    }
  }

  private void ask(Seq<String> parts, int fewest, String token) {
    List<String> names = CollectionConverters.asJava(parts);
    if (names.size() < fewest || conf().contains("spark.sql.catalog." + names.get(0))) {
      return;
    }
    try {
      new GatewayClient(token).get("catalogs/" + GatewayClient.encode(names.get(0)));
    } catch (GatewayError error) {
      if (!error.isMissing()) { // what is not there Spark says itself
        error.raise();
      }
    }
  }
}

package io.unitycatalog.local;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.UnresolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTable;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableOrView;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.CacheTable;
import org.apache.spark.sql.catalyst.plans.logical.CacheTableAsSelect;
import org.apache.spark.sql.catalyst.plans.logical.InsertIntoDir;
import org.apache.spark.sql.catalyst.plans.logical.InsertIntoStatement;
import org.apache.spark.sql.catalyst.plans.logical.LoadData;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.OptionList;
import org.apache.spark.sql.catalyst.plans.logical.SetTableProperties;
import org.apache.spark.sql.catalyst.plans.logical.UnresolvedDataSource;
import org.apache.spark.sql.catalyst.plans.logical.UnresolvedTableSpec;
import org.apache.spark.sql.catalyst.plans.logical.V2WriteCommand;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.datasources.CreateTempViewUsing;
import scala.Tuple2;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Refuses data sources, options and places that {@link OpenSources} does not list, in any plan before it is resolved:
 * from SQL, from a view's text, from a function's body. Requests of DataFrames are {@link RequestGuard}'s as well.
 */
final class ClosedSources extends Rule<LogicalPlan> {
  private static final int PATH_PARTS = 2; // a source and a path, as in json.`s3://...`

  private final SparkSession session;
  private final OpenSources open;

  ClosedSources(SparkSession session) {
    this.session = session;
    open = new OpenSources(() -> SessionRules.nameOf(SessionRules.tokenOf(session)));
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    if (SessionRules.isWarmUp(SessionRules.tokenOf(session))) {
      return plan;
    }
    plan.foreachWithSubqueries(
        new AbstractFunction1<LogicalPlan, BoxedUnit>() {
          @Override
          public BoxedUnit apply(LogicalPlan node) {
            check(node);
            CollectionConverters.asJava(node.expressions()).forEach(ClosedSources.this::checkExpression);
            return BoxedUnit.UNIT;
          }
        });
    return plan;
  }

  private void check(Object node) {
    if (node instanceof UnresolvedRelation relation) {
      checkName(relation.multipartIdentifier());
      relation.options().forEach((name, value) -> {
        if (!name.equals(UnresolvedRelation.REQUIRED_WRITE_PRIVILEGES())) { // Spark's own mark of what is written to
          open.requireOption(name, value);
        }
      });
    } else if (node instanceof UnresolvedTable table) {
      checkName(table.multipartIdentifier());
    } else if (node instanceof UnresolvedTableOrView either) {
      checkName(either.multipartIdentifier());
    } else if (node instanceof UnresolvedIdentifier name) {
      checkName(name.nameParts());
    } else if (node instanceof UnresolvedDataSource source) {
      checkSource(source);
    } else {
      checkStatement(node);
    }
  }

  private void checkStatement(Object node) {
    if (node instanceof CreateTempViewUsing view) {
      OpenSources.requireSource(view.provider());
      open.requireOptions(CollectionConverters.asJava(view.options()));
    } else if (node instanceof InsertIntoDir insert) {
      checkDirectory(insert);
    } else if (node instanceof InsertIntoStatement insert) { // whose table is none of its children
      check(insert.table());
    } else if (node instanceof V2WriteCommand write) {
      check(write.table());
      open.requireOptions(writeOptions(write));
    } else if (node instanceof CacheTable cache) {
      open.requireOptions(CollectionConverters.asJava(cache.options()));
    } else if (node instanceof CacheTableAsSelect cache) {
      open.requireOptions(CollectionConverters.asJava(cache.options()));
    } else if (node instanceof LoadData) {
      throw OpenSources.refuse("LOAD DATA is not available: read the files and insert them.");
    } else if (node instanceof SetTableProperties properties) {
      CollectionConverters.asJava(properties.properties()).keySet().forEach(open::requireProperty);
    }
  }

  private static Map<String, String> writeOptions(V2WriteCommand write) {
    Map<String, String> options = new HashMap<>();
    if (write instanceof org.apache.spark.sql.catalyst.plans.logical.AppendData append) {
      options.putAll(CollectionConverters.asJava(append.writeOptions()));
    } else if (write instanceof org.apache.spark.sql.catalyst.plans.logical.OverwriteByExpression overwrite) {
      options.putAll(CollectionConverters.asJava(overwrite.writeOptions()));
    } else if (write instanceof org.apache.spark.sql.catalyst.plans.logical.OverwritePartitionsDynamic overwrite) {
      options.putAll(CollectionConverters.asJava(overwrite.writeOptions()));
    }
    return options;
  }

  private void checkSource(UnresolvedDataSource source) {
    OpenSources.requireSource(source.format());
    CollectionConverters.asJava(source.options()).forEach(open::requireOption);
    CollectionConverters.asJava(source.paths()).forEach(open::requireUrl);
  }

  private void checkDirectory(InsertIntoDir insert) {
    if (insert.isLocal() || insert.provider().isEmpty()) {
      throw OpenSources.refuse("INSERT OVERWRITE DIRECTORY needs USING and a place in a volume or an external location.");
    }
    OpenSources.requireSource(insert.provider().get());
    open.requireOptions(CollectionConverters.asJava(insert.storage().properties()));
    if (insert.storage().locationUri().isDefined()) {
      open.requireUrl(insert.storage().locationUri().get().toString());
    }
  }

  private void checkName(Seq<String> parts) {
    List<String> names = CollectionConverters.asJava(parts);
    String last = names.get(names.size() - 1);
    if (names.size() == PATH_PARTS && (last.contains("/") || last.contains(":"))) {
      OpenSources.requireSource(names.get(0));
      open.requireUrl(last);
    }
  }

  private void checkExpression(Expression expression) {
    expression.foreach(
        new AbstractFunction1<Expression, BoxedUnit>() {
          @Override
          public BoxedUnit apply(Expression part) {
            if (part instanceof UnresolvedTableSpec table) {
              checkTable(table);
            }
            return BoxedUnit.UNIT;
          }
        });
  }

  private void checkTable(UnresolvedTableSpec table) {
    if (table.provider().isDefined()) {
      OpenSources.requireSource(table.provider().get());
    }
    if (table.location().isDefined()) {
      open.requireUrl(table.location().get());
    }
    CollectionConverters.asJava(table.properties()).keySet().forEach(open::requireProperty);
    for (Tuple2<String, Expression> option : CollectionConverters.asJava(((OptionList) table.optionExpression()).options())) {
      open.requireOption(option._1(), option._2().foldable() ? String.valueOf(option._2().eval(null)) : "");
    }
  }
}

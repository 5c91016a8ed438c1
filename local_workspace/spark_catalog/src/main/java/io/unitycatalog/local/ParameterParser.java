package io.unitycatalog.local;

import io.delta.sql.parser.DeltaSqlParser;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Product;
import scala.collection.IterableOnce;

/** Delta's parser, which drops the parameters of a statement in Spark 4.2: statements that have some go to Spark's own. */
final class ParameterParser extends DeltaSqlParser {
  ParameterParser(ParserInterface spark) {
    super(spark);
  }

  static ParserInterface wrap(ParserInterface parser) {
    return parser instanceof DeltaSqlParser delta ? new ParameterParser(delta.delegate()) : parser;
  }

  @Override
  public LogicalPlan parsePlanWithParameters(String text, ParameterContext parameters) throws ParseException {
    return isEmpty(parameters) ? parsePlan(text) : delegate().parsePlanWithParameters(text, parameters);
  }

  private static boolean isEmpty(ParameterContext parameters) {
    return parameters instanceof Product product
        && product.productElement(0) instanceof IterableOnce<?> values
        && !values.iterator().hasNext();
  }
}

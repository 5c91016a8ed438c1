package io.unitycatalog.local;

import io.delta.sql.parser.DeltaSqlParser;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Delta's parser, which of Spark 4.2 drops the parameters of a statement: those statements go to Spark's own. */
final class ParameterParser extends DeltaSqlParser {
  ParameterParser(ParserInterface spark) {
    super(spark);
  }

  static ParserInterface wrap(ParserInterface parser) {
    return parser instanceof DeltaSqlParser delta ? new ParameterParser(delta.delegate()) : parser;
  }

  @Override
  public LogicalPlan parsePlanWithParameters(String text, ParameterContext parameters) throws ParseException {
    return delegate().parsePlanWithParameters(text, parameters);
  }
}

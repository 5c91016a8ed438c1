package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;

/** A function whose body is SQL. Spark only binds it; ExpandFunctions puts the body in its place. */
final class SqlFunction implements UnboundFunction, ScalarFunction<Object> {
  private final String fullName;
  private final String body;
  private final DataType result;
  private final List<String> parameters = new ArrayList<>();
  private final List<DataType> types = new ArrayList<>();

  SqlFunction(String fullName, JsonNode info) {
    this.fullName = fullName;
    body = info.path("routine_definition").asText();
    result = parse(info.path("full_data_type"));
    info.path("input_params").path("parameters").forEach(parameter -> {
      parameters.add(parameter.path("name").asText());
      types.add(parse(parameter.path("type_text")));
    });
  }

  private static DataType parse(JsonNode type) {
    return DataType.fromDDL(type.asText());
  }

  String body() {
    return body;
  }

  /** Returns where a name stands among the parameters, or -1. */
  int indexOf(String name) {
    for (int index = 0; index < parameters.size(); index++) {
      if (parameters.get(index).equalsIgnoreCase(name)) {
        return index;
      }
    }
    return -1;
  }

  @Override
  public BoundFunction bind(StructType given) {
    if (given.length() != types.size()) {
      throw AccessDenied.<RuntimeException>sneak(new WrongArguments(fullName, types.size(), given.length()));
    }
    return this;
  }

  @Override
  public String description() {
    return fullName;
  }

  @Override
  public String name() {
    return fullName;
  }

  @Override
  public DataType[] inputTypes() {
    return types.toArray(new DataType[0]);
  }

  @Override
  public DataType resultType() {
    return result;
  }

  @Override
  public String canonicalName() {
    return fullName;
  }

  @Override
  public Object produceResult(InternalRow input) {
    throw new UnsupportedOperationException(fullName + " is computed by its body");
  }
}

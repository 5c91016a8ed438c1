package io.unitycatalog.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogStorageFormat;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTableType;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** Translates between Unity Catalog's TableInfo and Spark's own descriptions of a table. */
final class TableDescriptions {
  private TableDescriptions() {}

  static CatalogTable toCatalogTable(String catalog, Identifier ident, JsonNode info, Map<String, String> storage) {
    String source = info.path("data_source_format").asText("DELTA").toLowerCase(Locale.ROOT);
    OpenSources.requireSource(source);
    boolean managed = info.path("table_type").asText().equals("MANAGED");
    CatalogTableType type = managed ? CatalogTableType.MANAGED() : CatalogTableType.EXTERNAL();
    TableIdentifier name =
        new TableIdentifier(ident.name(), Option.apply(ident.namespace()[0]), Option.apply(catalog));
    CatalogStorageFormat format =
        new CatalogStorageFormat(
            Option.apply(URI.create(info.path("storage_location").asText())),
            Option.empty(),
            Option.empty(),
            Option.empty(),
            false,
            toScala(storage),
            Option.empty());
    return new CatalogTable(
        name,
        type,
        format,
        readColumns(info.path("columns")),
        Option.apply(source),
        toScala(partitionColumns(info.path("columns"))),
        Option.empty(),
        info.path("owner").asText(""),
        info.path("created_at").asLong(),
        -1L,
        "",
        toScala(readProperties(info.path("properties"))),
        Option.empty(),
        Option.empty(),
        Option.apply(info.path("comment").asText(null)),
        Option.empty(),
        toScala(List.of()),
        false,
        false,
        toScala(Map.of()),
        Option.empty(),
        Option.empty());
  }

  static StructType readColumns(JsonNode columns) {
    List<StructField> fields = new ArrayList<>();
    columns.forEach(column -> fields.add(readField(column)));
    return new StructType(fields.toArray(new StructField[0]));
  }

  static ArrayNode writeColumns(StructType schema, List<String> partitionColumns) {
    ArrayNode columns = GatewayClient.JSON.createArrayNode();
    for (int position = 0; position < schema.fields().length; position++) {
      StructField field = schema.fields()[position];
      ObjectNode column = columns.addObject();
      column.put("name", field.name());
      column.put("type_text", field.dataType().simpleString());
      column.put("type_name", typeName(field.dataType()));
      column.put("type_json", fieldJson(field));
      column.put("position", position);
      column.put("nullable", field.nullable());
      if (field.getComment().isDefined()) {
        column.put("comment", field.getComment().get());
      }
      int partition = partitionColumns.indexOf(field.name());
      if (partition >= 0) {
        column.put("partition_index", partition);
      }
    }
    return columns;
  }

  static Map<String, String> readProperties(JsonNode properties) {
    Map<String, String> result = new HashMap<>();
    properties.fields().forEachRemaining(entry -> result.put(entry.getKey(), entry.getValue().asText()));
    return result;
  }

  private static StructField readField(JsonNode column) {
    JsonNode field = parse(column.path("type_json").asText("{}"));
    if (field.findValuesAsText("type").contains("udt")) {
      throw OpenSources.refuse("Column " + column.path("name").asText() + ": types with a class of their own are not available.");
    }
    String structure = "{\"type\":\"struct\",\"fields\":[" + field + "]}";
    return ((StructType) DataType.fromJson(structure)).fields()[0];
  }

  private static String fieldJson(StructField field) {
    return parse(new StructType(new StructField[] {field}).json()).path("fields").get(0).toString();
  }

  private static List<String> partitionColumns(JsonNode columns) {
    List<String> names = new ArrayList<>();
    columns.forEach(column -> {
      if (column.has("partition_index")) {
        names.add(column.path("name").asText());
      }
    });
    return names;
  }

  private static String typeName(DataType type) {
    String name = type.typeName().toUpperCase(Locale.ROOT).replaceAll("\\(.*", "");
    return switch (name) {
      case "INTEGER" -> "INT";
      default -> name;
    };
  }

  private static JsonNode parse(String json) {
    try {
      return GatewayClient.JSON.readTree(json);
    } catch (JsonProcessingException error) {
      throw new IllegalArgumentException("Not JSON: " + json, error);
    }
  }

  private static scala.collection.immutable.Seq<String> toScala(List<String> list) {
    return scala.collection.immutable.List$.MODULE$.from(CollectionConverters.asScala(list));
  }

  private static scala.collection.immutable.Map<String, String> toScala(Map<String, String> map) {
    return scala.collection.immutable.Map$.MODULE$.from(CollectionConverters.asScala(map));
  }
}

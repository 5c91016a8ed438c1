package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.connector.catalog.Dependency;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableDependency;
import org.apache.spark.sql.connector.catalog.View;

/** Translates between Unity Catalog's TableInfo of type VIEW and Spark's View. */
final class ViewDescriptions {
  private static final String KEY = "view.";
  private static final String CONFIG = KEY + "sqlConfig.";
  private static final String SUBSTITUTE = "spark.sql.variable.substitute";

  private ViewDescriptions() {}

  static boolean isView(JsonNode info) {
    return info.path("table_type").asText().equals("VIEW");
  }

  static View read(String catalog, Identifier ident, JsonNode info) {
    Map<String, String> properties = TableDescriptions.readProperties(info.path("properties"));
    View.Builder builder = new View.Builder();
    builder.withSchema(TableDescriptions.readColumns(info.path("columns")));
    builder.withQueryText(info.path("view_definition").asText());
    builder.withCurrentCatalog(properties.getOrDefault(KEY + "catalog", catalog));
    String schema = properties.getOrDefault(KEY + "namespace", ident.namespace()[0]).split("\\.")[0];
    String scope = ViewScopes.open(catalog + "." + ident.namespace()[0] + "." + ident.name());
    builder.withCurrentNamespace(new String[] {schema, scope});
    builder.withSqlConfigs(configs(properties));
    builder.withSchemaMode(properties.getOrDefault(KEY + "schemaMode", "COMPENSATION"));
    builder.withQueryColumnNames(queryColumns(properties, info));
    Map<String, String> visible = new HashMap<>(properties);
    visible.keySet().removeIf(key -> key.startsWith(KEY));
    if (!info.path("comment").asText("").isEmpty()) {
      visible.put(TableCatalog.PROP_COMMENT, info.path("comment").asText());
    }
    builder.withProperties(visible);
    builder.withOwner(info.path("owner").asText());
    return builder.build();
  }

  static ObjectNode write(String catalog, Identifier ident, View view) {
    ObjectNode info = GatewayClient.JSON.createObjectNode();
    info.put("name", ident.name()).put("catalog_name", catalog).put("schema_name", ident.namespace()[0]);
    info.put("table_type", "VIEW").put("view_definition", view.queryText());
    info.set("columns", TableDescriptions.writeColumns(view.schema(), List.of()));
    ObjectNode properties = info.putObject("properties");
    view.properties().forEach((key, value) -> {
      if (key.startsWith(KEY)) {
        throw OpenSources.refuse("Table property " + key + " is not available.");
      }
      properties.put(key, value);
    });
    info.put("comment", view.properties().getOrDefault(TableCatalog.PROP_COMMENT, ""));
    properties.remove(List.of(TableCatalog.PROP_COMMENT, TableCatalog.PROP_OWNER));
    if (view.currentCatalog() != null) {
      properties.put(KEY + "catalog", view.currentCatalog());
      properties.put(KEY + "namespace", String.join(".", view.currentNamespace()));
    }
    if (view.schemaMode() != null) {
      properties.put(KEY + "schemaMode", view.schemaMode());
    }
    if (view.queryColumnNames() != null) {
      properties.put(KEY + "queryColumns", String.join("\n", view.queryColumnNames()));
    }
    view.sqlConfigs().forEach((key, value) -> properties.put(CONFIG + key, value));
    writeDependencies(info, view);
    return info;
  }

  private static void writeDependencies(ObjectNode info, View view) {
    if (view.viewDependencies() == null) {
      return;
    }
    ArrayNode dependencies = info.putObject("view_dependencies").putArray("dependencies");
    for (Dependency dependency : view.viewDependencies().dependencies()) {
      if (dependency instanceof TableDependency table) {
        dependencies.addObject().putObject("table").put("table_full_name", String.join(".", table.nameParts()));
      }
    }
  }

  /**
   * Returns the settings under which the view's text is resolved. Whoever may create views writes what is stored: of that
   * counts what a session may set, and all else that Spark kept is as the server has it.
   */
  private static Map<String, String> configs(Map<String, String> properties) {
    SparkConf own = SparkContext.getOrCreate().conf();
    Map<String, String> configs = new HashMap<>();
    properties.forEach((key, value) -> {
      String name = key.startsWith(CONFIG) ? key.substring(CONFIG.length()) : "";
      if (OpenSources.isSetting(name)) {
        configs.put(name, value);
      } else if (name.startsWith("spark.sql.") && own.contains(name)) {
        configs.put(name, own.get(name));
      }
    });
    configs.put(SUBSTITUTE, own.get(SUBSTITUTE));
    return configs;
  }

  private static String[] queryColumns(Map<String, String> properties, JsonNode info) {
    if (properties.containsKey(KEY + "queryColumns")) {
      return properties.get(KEY + "queryColumns").split("\n");
    }
    List<String> names = new ArrayList<>();
    info.path("columns").forEach(column -> names.add(column.path("name").asText()));
    return names.toArray(new String[0]);
  }
}

package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.TableCatalog;

/** Where a table that is created or replaced puts its data, and the credential to write there. */
final class TablePlacement {
  private final GatewayTables tables;
  private final GatewayClient client;

  TablePlacement(GatewayTables tables, GatewayClient client) {
    this.tables = tables;
    this.client = client;
  }

  /** A managed table goes where the gateway says; an external one where the caller says, if it may. */
  Map<String, String> ofNew(Identifier ident, Map<String, String> properties) {
    Map<String, String> placed = new HashMap<>(properties);
    String location = properties.get(TableCatalog.PROP_LOCATION);
    if (location == null) {
      placed.putAll(tables.stage(ident));
      return withCredential(placed, "PATH_READ_WRITE");
    }
    return withCredential(placed, "PATH_CREATE_TABLE");
  }

  /** A replaced table stays where it is. */
  Map<String, String> ofExisting(JsonNode info, Map<String, String> properties) {
    Map<String, String> placed = new HashMap<>(properties);
    placed.put(TableCatalog.PROP_LOCATION, info.path("storage_location").asText());
    if (info.path("table_type").asText().equals("MANAGED")) {
      placed.put(TableCatalog.PROP_IS_MANAGED_LOCATION, "true");
    }
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("table_id", info.path("table_id").asText()).put("operation", "READ_WRITE");
    return addCredential(placed, "temporary-table-credentials", wanted);
  }

  private Map<String, String> withCredential(Map<String, String> placed, String operation) {
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("url", placed.get(TableCatalog.PROP_LOCATION)).put("operation", operation);
    return addCredential(placed, "temporary-path-credentials", wanted);
  }

  private Map<String, String> addCredential(Map<String, String> placed, String path, ObjectNode wanted) {
    try {
      PathCredential.read(client.post(path, wanted), true, wanted.path("table_id").asText("")).asProperties().forEach((key, value) -> {
        placed.put(key, value);
        placed.put(TableCatalog.OPTION_PREFIX + key, value);
      });
      return placed;
    } catch (GatewayError error) {
      return error.raise();
    }
  }
}

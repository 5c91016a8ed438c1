package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.apache.spark.sql.catalyst.analysis.NamespaceAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** The schemas of one catalog as the gateway knows them. */
abstract class GatewaySchemas implements SupportsNamespaces {
  final String name;
  final GatewayClient client;

  GatewaySchemas(String name, GatewayClient client) {
    this.name = name;
    this.client = client;
  }

  @Override
  public void initialize(String catalogName, CaseInsensitiveStringMap options) {}

  @Override
  public String name() {
    return name;
  }

  @Override
  public String[][] listNamespaces() {
    return client.list("schemas?catalog_name=" + GatewayClient.encode(name), "schemas").stream()
        .map(schema -> new String[] {schema.path("name").asText()})
        .toArray(String[][]::new);
  }

  @Override
  public String[][] listNamespaces(String[] namespace) {
    return namespace.length == 0 ? listNamespaces() : new String[0][];
  }

  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace) throws NoSuchNamespaceException {
    if (namespace.length != 1) {
      throw new NoSuchNamespaceException(namespace);
    }
    try {
      JsonNode schema = client.get("schemas/" + GatewayClient.encode(name + "." + namespace[0]));
      Map<String, String> metadata = TableDescriptions.readProperties(schema.path("properties"));
      metadata.put(SupportsNamespaces.PROP_OWNER, schema.path("owner").asText(""));
      metadata.put(SupportsNamespaces.PROP_COMMENT, schema.path("comment").asText(""));
      return metadata;
    } catch (GatewayError error) {
      if (error.isMissing()) {
        throw new NoSuchNamespaceException(namespace);
      }
      return error.raise();
    }
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata) throws NamespaceAlreadyExistsException {
    ObjectNode schema = GatewayClient.JSON.createObjectNode();
    schema.put("name", namespace[0]).put("catalog_name", name);
    if (metadata.containsKey(SupportsNamespaces.PROP_COMMENT)) {
      schema.put("comment", metadata.get(SupportsNamespaces.PROP_COMMENT));
    }
    if (metadata.containsKey(SupportsNamespaces.PROP_LOCATION)) {
      schema.put("storage_root", metadata.get(SupportsNamespaces.PROP_LOCATION));
    }
    try {
      client.post("schemas", schema);
    } catch (GatewayError error) {
      if (error.isDuplicate()) {
        throw new NamespaceAlreadyExistsException(namespace);
      }
      error.raise();
    }
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes) {
    ObjectNode change = GatewayClient.JSON.createObjectNode();
    for (NamespaceChange one : changes) {
      if (one instanceof NamespaceChange.SetProperty set && set.property().equals(SupportsNamespaces.PROP_COMMENT)) {
        change.put("comment", set.value());
      } else {
        throw new UnsupportedOperationException("Schemas can only have their comment changed from SQL here");
      }
    }
    client.patch("schemas/" + GatewayClient.encode(name + "." + namespace[0]), change);
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade) {
    return drop("schemas/" + GatewayClient.encode(name + "." + namespace[0]) + "?force=" + cascade);
  }

  final boolean drop(String path) {
    try {
      client.delete(path);
      return true;
    } catch (GatewayError error) {
      return error.isMissing() ? false : error.<Boolean>raise();
    }
  }
}

package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableCatalogCapability;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.types.StructType;

/**
 * What DeltaCatalog delegates to: tables as the gateway knows them, beside their schemas.
 *
 * <p>Lives in a package under io.unitycatalog, because that is how Delta recognises a Unity Catalog.
 */
final class GatewayTables extends GatewaySchemas implements TableCatalog {
  private static final Set<String> RESERVED =
      Set.of(
          TableCatalog.PROP_LOCATION,
          TableCatalog.PROP_IS_MANAGED_LOCATION,
          TableCatalog.PROP_PROVIDER,
          TableCatalog.PROP_COMMENT,
          TableCatalog.PROP_OWNER,
          TableCatalog.PROP_EXTERNAL);

  private final ThreadLocal<Boolean> loadsForWrite = ThreadLocal.withInitial(() -> false);
  private final ThreadLocal<JsonNode> described = new ThreadLocal<>();
  private final Map<String, String> stagedIds = new ConcurrentHashMap<>();

  GatewayTables(String name, GatewayClient client) {
    super(name, client);
  }

  @Override
  public Set<TableCatalogCapability> capabilities() {
    return Set.of(
        TableCatalogCapability.SUPPORT_COLUMN_DEFAULT_VALUE,
        TableCatalogCapability.SUPPORTS_CREATE_TABLE_WITH_GENERATED_COLUMNS,
        TableCatalogCapability.SUPPORTS_CREATE_TABLE_WITH_IDENTITY_COLUMNS);
  }

  /** Runs {@code load}; tables it loads come with a credential that may write. */
  <T> T forWriting(Supplier<T> load) {
    return during(loadsForWrite, true, load);
  }

  /** Runs {@code load}; the table it loads is the one that has just been described. */
  <T> T describedAs(JsonNode info, Supplier<T> load) {
    return during(described, info, load);
  }

  private static <V, T> T during(ThreadLocal<V> setting, V value, Supplier<T> load) {
    V before = setting.get();
    setting.set(value);
    try {
      return load.get();
    } finally {
      setting.set(before);
    }
  }

  JsonNode describe(Identifier ident) {
    return client.get("tables/" + fullName(ident));
  }

  @Override
  public Table loadTable(Identifier ident) throws NoSuchTableException {
    try {
      JsonNode info = described.get() == null ? describe(ident) : described.get();
      return V1Table.apply(TableDescriptions.toCatalogTable(name, ident, info, vend(info, loadsForWrite.get())));
    } catch (GatewayError error) {
      if (error.isMissing()) {
        throw new NoSuchTableException(ident);
      }
      return error.raise();
    }
  }

  /** Returns the properties of a new managed table: where it will be and a credential to write there. */
  Map<String, String> stage(Identifier ident) {
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("catalog_name", name).put("schema_name", ident.namespace()[0]).put("name", ident.name());
    try {
      JsonNode staged = client.post("staging-tables", wanted);
      String location = staged.path("staging_location").asText();
      stagedIds.put(location, staged.path("id").asText());
      Map<String, String> properties = new HashMap<>();
      properties.put(TableCatalog.PROP_LOCATION, location);
      properties.put(TableCatalog.PROP_IS_MANAGED_LOCATION, "true");
      return properties;
    } catch (GatewayError error) {
      return error.raise();
    }
  }

  @Override
  public Table createTable(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    return createTable(ident, org.apache.spark.sql.connector.catalog.CatalogV2Util.v2ColumnsToStructType(columns), partitions, properties);
  }

  @Override
  public Table createTable(Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    try {
      client.post("tables", newTable(ident, schema, partitions, properties));
      return loadTable(ident);
    } catch (NoSuchTableException error) {
      throw new IllegalStateException("Table " + fullName(ident) + " vanished while it was created", error);
    } catch (GatewayError error) {
      if (error.isDuplicate()) {
        throw new TableAlreadyExistsException(ident);
      }
      if (error.isMissing()) {
        throw new NoSuchNamespaceException(ident.namespace());
      }
      return error.raise();
    }
  }

  private ObjectNode newTable(Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties) {
    String location = properties.get(TableCatalog.PROP_LOCATION);
    String stagedId = stagedIds.remove(location);
    ObjectNode table = GatewayClient.JSON.createObjectNode();
    table.put("name", ident.name()).put("catalog_name", name).put("schema_name", ident.namespace()[0]);
    table.put("table_type", stagedId == null ? "EXTERNAL" : "MANAGED");
    table.put("data_source_format", properties.getOrDefault(TableCatalog.PROP_PROVIDER, "delta").toUpperCase());
    table.put("storage_location", location);
    if (stagedId != null) {
      table.put("table_id", stagedId);
    }
    if (properties.containsKey(TableCatalog.PROP_COMMENT)) {
      table.put("comment", properties.get(TableCatalog.PROP_COMMENT));
    }
    table.set("columns", TableDescriptions.writeColumns(schema, partitionNames(partitions)));
    ObjectNode kept = table.putObject("properties");
    properties.forEach((key, value) -> {
      if (!isInternal(key)) {
        kept.put(key, value);
      }
    });
    return table;
  }

  static boolean isInternal(String key) {
    return key.startsWith(PathCredential.PREFIX)
        || key.startsWith(TableCatalog.OPTION_PREFIX)
        || RESERVED.contains(key);
  }

  private static List<String> partitionNames(Transform[] partitions) {
    List<String> names = new ArrayList<>();
    for (Transform partition : partitions) {
      if (partition.name().equals("identity")) {
        names.add(String.join(".", partition.references()[0].fieldNames()));
      }
    }
    return names;
  }

  /** Tells the gateway the columns that the table has now, and what was changed of comment and properties. */
  void sync(Identifier ident, StructType schema, Transform[] partitions, List<TableChange> changes) {
    ObjectNode change = GatewayClient.JSON.createObjectNode();
    change.set("columns", TableDescriptions.writeColumns(schema, partitionNames(partitions)));
    if (changes.stream().anyMatch(PropertyChanges::concerns)) {
      PropertyChanges.write(changes, describe(ident).path("properties"), change);
    }
    client.patch("tables/" + fullName(ident), change);
  }

  /** Registers a view; {@code description} is a TableInfo of type VIEW. */
  void createView(ObjectNode description) {
    client.post("tables", description);
  }

  /** Changes a registered view. */
  void replaceView(Identifier ident, ObjectNode description) {
    client.patch("tables/" + fullName(ident), description);
  }

  @Override
  public Table alterTable(Identifier ident, TableChange... changes) throws NoSuchTableException {
    return loadTable(ident);
  }

  @Override
  public boolean dropTable(Identifier ident) {
    return drop("tables/" + fullName(ident));
  }

  @Override
  public void renameTable(Identifier from, Identifier to) {
    List<String> schema = new ArrayList<>(List.of(to.namespace()));
    if (schema.size() > 1 && schema.get(0).equalsIgnoreCase(name)) {
      schema.remove(0);
    }
    if (!schema.isEmpty() && !(schema.size() == 1 && schema.get(0).equalsIgnoreCase(from.namespace()[0]))) {
      throw OpenSources.refuse("Table " + from.name() + " cannot be renamed into another schema: make it there, and drop it here.");
    }
    client.patch("tables/" + fullName(from), GatewayClient.JSON.createObjectNode().put("new_name", to.name()));
  }

  @Override
  public Identifier[] listTables(String[] namespace) throws NoSuchNamespaceException {
    return list(namespace, false);
  }

  Identifier[] list(String[] namespace, boolean views) throws NoSuchNamespaceException {
    String query = "tables?catalog_name=" + GatewayClient.encode(name) + "&schema_name=" + GatewayClient.encode(namespace[0]);
    try {
      return client.list(query, "tables").stream()
          .filter(table -> table.path("table_type").asText().equals("VIEW") == views)
          .map(table -> Identifier.of(namespace, table.path("name").asText()))
          .toArray(Identifier[]::new);
    } catch (GatewayError error) {
      if (error.isMissing()) {
        throw new NoSuchNamespaceException(namespace);
      }
      return error.raise();
    }
  }

  /**
   * Returns the credential a table brings along. It only reads, also where rows are to be written: Delta keeps what it
   * knows of a table by credential, and would work it out once for readers and once more for writers. The file system
   * asks for the right to write again when it is used.
   */
  private Map<String, String> vend(JsonNode info, boolean write) {
    String tableId = info.path("table_id").asText();
    if (!write) {
      return vend(tableId, false).asProperties();
    }
    PathCredential writing = vend(tableId, true);
    try {
      return vend(tableId, false).asProperties();
    } catch (GatewayError error) {
      if (error.status == 403) { // MODIFY without SELECT
        return writing.asProperties();
      }
      throw error;
    }
  }

  private PathCredential vend(String tableId, boolean write) {
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("table_id", tableId).put("operation", write ? "READ_WRITE" : "READ");
    return PathCredential.read(client.post("temporary-table-credentials", wanted), write, tableId);
  }

  private String fullName(Identifier ident) {
    return GatewayClient.encode(name + "." + ident.namespace()[0] + "." + ident.name());
  }
}

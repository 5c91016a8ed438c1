package io.unitycatalog.local;

import static org.apache.spark.sql.connector.catalog.CatalogV2Util.v2ColumnsToStructType;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.spark.sql.catalyst.analysis.NamespaceAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.NoSuchViewException;
import org.apache.spark.sql.catalyst.analysis.ViewAlreadyExistsException;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.Relation;
import org.apache.spark.sql.connector.catalog.RelationCatalog;
import org.apache.spark.sql.connector.catalog.StagedTable;
import org.apache.spark.sql.connector.catalog.StagingTableCatalog;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableCatalogCapability;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.TableWritePrivilege;
import org.apache.spark.sql.connector.catalog.View;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * A catalog of the local workspace in one Spark session: Delta does the work, the gateway decides, with the token of the
 * session, what the session may see and touch.
 */
public final class GatewayCatalog implements StagingTableCatalog, RelationCatalog, SupportsNamespaces, GatewayFunctions {
  private final DeltaCatalog delta = new DeltaCatalog();
  private GatewayTables tables;
  private TablePlacement placement;
  private GatewayClient client;
  private String name;

  @Override
  public void initialize(String catalogName, CaseInsensitiveStringMap options) {
    name = catalogName;
    client = new GatewayClient(options.get("token"));
    tables = new GatewayTables(catalogName, client);
    placement = new TablePlacement(tables, client);
    Map<String, String> settings = new HashMap<>(options.asCaseSensitiveMap());
    settings.put("deltaRestApi.enabled", "false");
    delta.setDelegateCatalog(tables);
    delta.initialize(catalogName, new CaseInsensitiveStringMap(settings));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public GatewayClient client() {
    return client;
  }

  @Override
  public Set<TableCatalogCapability> capabilities() {
    return delta.capabilities();
  }

  @Override
  public String[] defaultNamespace() {
    return new String[] {"default"};
  }

  @Override
  public Relation loadRelation(Identifier asked) throws NoSuchTableException {
    Identifier ident = ViewScopes.inSchema(asked);
    JsonNode info = describe(ident);
    return ViewDescriptions.isView(info)
        ? ViewDescriptions.read(name, ident, info)
        : tables.describedAs(info, () -> call(() -> delta.loadTable(ident)));
  }

  @Override
  public Table loadTable(Identifier ident) throws NoSuchTableException {
    return delta.loadTable(ViewScopes.inSchema(ident));
  }

  @Override
  public Table loadTable(Identifier ident, Set<TableWritePrivilege> privileges) throws NoSuchTableException {
    return privileges.isEmpty() ? loadTable(ident) : writing(() -> loadTable(ident));
  }

  @Override
  public Table loadTable(Identifier ident, String version) throws NoSuchTableException {
    return delta.loadTable(ViewScopes.inSchema(ident), version);
  }

  @Override
  public Table loadTable(Identifier ident, long timestamp) throws NoSuchTableException {
    return delta.loadTable(ViewScopes.inSchema(ident), timestamp);
  }

  @Override
  public boolean tableExists(Identifier ident) {
    JsonNode info = find(ident);
    return info != null && !ViewDescriptions.isView(info);
  }

  @Override
  public boolean useNullableQuerySchema() {
    return delta.useNullableQuerySchema();
  }

  @Override
  public Table createTable(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    Map<String, String> placed = placement.ofNew(ident, properties);
    Table made = writing(() -> delta.createTable(ident, v2ColumnsToStructType(columns), partitions, placed));
    describeExternal(ident, partitions, properties);
    return made;
  }

  @Override
  public StagedTable stageCreate(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    Map<String, String> placed = placement.ofNew(ident, properties);
    StagedTable staged = writing(() -> delta.stageCreate(ident, v2ColumnsToStructType(columns), partitions, placed));
    return new SyncedStagedTable(staged, () -> describeExternal(ident, partitions, properties));
  }

  @Override
  public StagedTable stageReplace(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    Map<String, String> placed = placement.ofExisting(call(() -> describe(ident)), properties);
    StagedTable staged = writing(() -> delta.stageReplace(ident, v2ColumnsToStructType(columns), partitions, placed));
    return synced(ident, staged);
  }

  @Override
  public StagedTable stageCreateOrReplace(
      Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    return tableExists(ident)
        ? stageReplace(ident, columns, partitions, properties)
        : stageCreate(ident, columns, partitions, properties);
  }

  @Override
  public Table alterTable(Identifier ident, TableChange... changes) {
    Table altered = writing(() -> delta.alterTable(ident, changes));
    sync(ident, altered, List.of(changes));
    return altered;
  }

  @Override
  public boolean dropTable(Identifier ident) {
    return tableExists(ident) && tables.dropTable(ident);
  }

  @Override
  public boolean purgeTable(Identifier ident) {
    return dropTable(ident);
  }

  @Override
  public void renameTable(Identifier from, Identifier to) {
    tables.renameTable(from, to);
  }

  @Override
  public Identifier[] listTables(String[] namespace) throws NoSuchNamespaceException {
    return tables.listTables(namespace);
  }

  @Override
  public Identifier[] listViews(String[] namespace) throws NoSuchNamespaceException {
    return tables.list(namespace, true);
  }

  @Override
  public boolean viewExists(Identifier ident) {
    JsonNode info = find(ident);
    return info != null && ViewDescriptions.isView(info);
  }

  @Override
  public View createView(Identifier ident, View view) throws ViewAlreadyExistsException, NoSuchNamespaceException {
    try {
      tables.createView(ViewDescriptions.write(name, ident, view));
      return view;
    } catch (GatewayError error) {
      if (error.isDuplicate()) {
        throw new ViewAlreadyExistsException(ident);
      }
      if (error.isMissing()) {
        throw new NoSuchNamespaceException(ident.namespace());
      }
      return error.raise();
    }
  }

  @Override
  public View replaceView(Identifier ident, View view) throws NoSuchViewException {
    if (!viewExists(ident)) {
      throw new NoSuchViewException(ident);
    }
    try {
      tables.replaceView(ident, ViewDescriptions.write(name, ident, view));
      return view;
    } catch (GatewayError error) {
      return error.raise();
    }
  }

  @Override
  public boolean dropView(Identifier ident) {
    return viewExists(ident) && tables.dropTable(ident);
  }

  @Override
  public void renameView(Identifier from, Identifier to) {
    tables.renameTable(from, to);
  }

  @Override
  public String[][] listNamespaces() {
    return tables.listNamespaces();
  }

  @Override
  public String[][] listNamespaces(String[] namespace) {
    return tables.listNamespaces(namespace);
  }

  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace) throws NoSuchNamespaceException {
    return tables.loadNamespaceMetadata(namespace);
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata) throws NamespaceAlreadyExistsException {
    tables.createNamespace(namespace, metadata);
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes) {
    tables.alterNamespace(namespace, changes);
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade) {
    return tables.dropNamespace(namespace, cascade);
  }

  private StagedTable synced(Identifier ident, StagedTable staged) {
    return new SyncedStagedTable(
        staged, () -> sync(ident, this.<Table>writing(() -> delta.loadTable(ident)), List.of()));
  }

  /** Tells what Delta leaves to the table's own log when it registers an external table. */
  private void describeExternal(Identifier ident, Transform[] partitions, Map<String, String> properties) {
    if (properties.containsKey(TableCatalog.PROP_LOCATION)) {
      sync(ident, writing(() -> delta.loadTable(ident)), PropertyChanges.ofNew(partitions, properties));
    }
  }

  private void sync(Identifier ident, Table table, List<TableChange> changes) {
    tables.sync(ident, v2ColumnsToStructType(table.columns()), table.partitioning(), changes);
  }

  private JsonNode describe(Identifier ident) throws NoSuchTableException {
    try {
      return tables.describe(ident);
    } catch (GatewayError error) {
      if (error.isMissing()) {
        throw new NoSuchTableException(ident);
      }
      return error.raise();
    }
  }

  private JsonNode find(Identifier ident) {
    try {
      return ident.namespace().length == 1 ? tables.describe(ident) : null;
    } catch (GatewayError error) {
      return error.isMissing() ? null : error.raise();
    }
  }

  private <T> T writing(Callable<T> action) {
    return tables.forWriting(() -> call(action));
  }

  private static <T> T call(Callable<T> action) {
    try {
      return action.call();
    } catch (Exception error) {
      throw AccessDenied.<RuntimeException>sneak(error);
    }
  }
}

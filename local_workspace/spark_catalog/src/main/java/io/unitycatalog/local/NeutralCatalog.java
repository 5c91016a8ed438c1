package io.unitycatalog.local;

import java.util.Map;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.StagedTable;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.types.StructType;

/** Spark's own catalog: serves Delta tables by path and holds nothing, since no grants would bind what it held. */
public final class NeutralCatalog extends DeltaCatalog {
  @Override
  public Table createTable(Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties) {
    requirePath(ident);
    return super.createTable(ident, schema, partitions, properties);
  }

  @Override
  public StagedTable stageCreate(Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties) {
    requirePath(ident);
    return super.stageCreate(ident, schema, partitions, properties);
  }

  @Override
  public StagedTable stageReplace(Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties) {
    requirePath(ident);
    return super.stageReplace(ident, schema, partitions, properties);
  }

  @Override
  public StagedTable stageCreateOrReplace(
      Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties) {
    requirePath(ident);
    return super.stageCreateOrReplace(ident, schema, partitions, properties);
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata) {
    throw AccessDenied.<RuntimeException>sneak(
        new NotServed("Schema '" + String.join(".", namespace) + "' needs a catalog: name it <catalog>.<schema>."));
  }

  private void requirePath(Identifier ident) {
    if (!isPathIdentifier(ident)) {
      String name = String.join(".", ident.namespace()) + "." + ident.name();
      throw AccessDenied.<RuntimeException>sneak(
          new NotServed("Table '" + name + "' needs a catalog: name it <catalog>.<schema>.<table>, or USE CATALOG first."));
    }
  }
}

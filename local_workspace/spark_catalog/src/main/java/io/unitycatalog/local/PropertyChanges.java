package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.expressions.NamedReference;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.delta.skipping.clustering.temp.ClusterBy;
import scala.jdk.javaapi.CollectionConverters;

/** What ALTER TABLE changes of a table's comment, properties and clustering, as the gateway keeps them. */
final class PropertyChanges {
  /** The property in which Unity Catalog says what a table is clustered by. */
  private static final String CLUSTERING = "clusteringColumns";

  private PropertyChanges() {}

  /** Returns the comment, properties and clustering of a new table. */
  static List<TableChange> ofNew(Transform[] partitions, Map<String, String> properties) {
    List<TableChange> changes = new ArrayList<>();
    properties.forEach((key, value) -> {
      if (key.equals(TableCatalog.PROP_COMMENT) || !GatewayTables.isInternal(key)) {
        changes.add(TableChange.setProperty(key, value));
      }
    });
    for (Transform partition : partitions) {
      if (partition.name().equals("cluster_by")) {
        changes.add(TableChange.clusterBy(partition.references()));
      }
    }
    return changes;
  }

  static boolean concerns(TableChange change) {
    return change instanceof TableChange.SetProperty
        || change instanceof TableChange.RemoveProperty
        || clustering(change) != null;
  }

  /** Puts into {@code description} what becomes of the comment and of the properties that were {@code before}. */
  static void write(List<TableChange> changes, JsonNode before, ObjectNode description) {
    ObjectNode properties = before.isObject() ? before.deepCopy() : GatewayClient.JSON.createObjectNode();
    for (TableChange change : changes) {
      if (change instanceof TableChange.SetProperty set && set.property().equals(TableCatalog.PROP_COMMENT)) {
        description.put("comment", set.value());
      } else if (change instanceof TableChange.SetProperty set) {
        properties.put(set.property(), set.value());
      } else if (change instanceof TableChange.RemoveProperty removed) {
        properties.remove(removed.property());
      } else if (clustering(change) != null) {
        properties.put(CLUSTERING, paths(clustering(change)).toString());
      }
    }
    description.set("properties", properties);
  }

  /** Returns the columns of CLUSTER BY, for which Delta's parser has a change of its own; null for other changes. */
  private static List<NamedReference> clustering(TableChange change) {
    if (change instanceof ClusterBy clustered) {
      return CollectionConverters.asJava(clustered.clusteringColumns());
    }
    return change instanceof TableChange.ClusterBy clustered ? List.of(clustered.clusteringColumns()) : null;
  }

  private static ArrayNode paths(List<NamedReference> columns) {
    ArrayNode paths = GatewayClient.JSON.createArrayNode();
    for (NamedReference column : columns) {
      ArrayNode path = paths.addArray();
      for (String part : column.fieldNames()) {
        path.add(part);
      }
    }
    return paths;
  }
}

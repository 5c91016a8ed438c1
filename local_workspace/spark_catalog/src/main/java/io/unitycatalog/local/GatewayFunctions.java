package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.spark.sql.catalyst.analysis.NoSuchFunctionException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;

/** The functions of one catalog as the gateway knows them; it gives them to who may execute them. */
interface GatewayFunctions extends FunctionCatalog {
  /** Asks the gateway with the session's token. */
  GatewayClient client();

  @Override
  default Identifier[] listFunctions(String[] namespace) throws NoSuchNamespaceException {
    String[] schema = ViewScopes.strip(namespace);
    if (schema.length != 1) {
      throw new NoSuchNamespaceException(namespace);
    }
    String query = "?catalog_name=" + GatewayClient.encode(name()) + "&schema_name=" + GatewayClient.encode(schema[0]);
    try {
      return client().list("functions" + query, "functions").stream()
          .map(function -> Identifier.of(schema, function.path("name").asText()))
          .toArray(Identifier[]::new);
    } catch (GatewayError error) {
      if (error.isMissing()) {
        throw new NoSuchNamespaceException(namespace);
      }
      return error.raise();
    }
  }

  @Override
  default UnboundFunction loadFunction(Identifier ident) throws NoSuchFunctionException {
    String[] schema = ViewScopes.strip(ident.namespace());
    if (schema.length != 1) {
      throw new NoSuchFunctionException(ident);
    }
    String fullName = name() + "." + schema[0] + "." + ident.name();
    try {
      JsonNode info = client().get("functions/" + GatewayClient.encode(fullName));
      return new SqlFunction(fullName, info);
    } catch (GatewayError error) {
      if (error.isMissing()) {
        throw new NoSuchFunctionException(ident);
      }
      return error.raise();
    }
  }
}

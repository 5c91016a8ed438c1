package io.unitycatalog.local;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.catalyst.analysis.AnalysisContext;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.connector.catalog.Identifier;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Tells tables named inside a view from those the user named: what a view reads, it reads as its owner.
 *
 * <p>Spark resolves a view's text with the view's current namespace in the thread's analysis context. A view of this
 * catalog gets a namespace of one part more than any other, a secret of its own, made anew for each use; so nobody else
 * can pose as it.
 */
final class ViewScopes {
  private static final String PREFIX = "view-";

  /** Catalog, schema, secret. DESCRIBE shows the secret, and a schema may have its name; no session can be in three parts. */
  private static final int SCOPE_PARTS = 3;

  private static final long LIFETIME_MS = 600_000;

  private record Scope(String view, long until) {}

  private static final Map<String, Scope> OPEN = new ConcurrentHashMap<>();

  private ViewScopes() {}

  /** Returns the last part of the namespace in which the view's text is to be resolved. */
  static String open(String view) {
    long now = System.currentTimeMillis();
    OPEN.values().removeIf(scope -> scope.until() < now);
    String secret = PREFIX + UUID.randomUUID();
    OPEN.put(secret, new Scope(view, now + LIFETIME_MS));
    return secret;
  }

  /** Returns the full name of the view whose text this thread resolves, or null. */
  static String current() {
    List<String> names = CollectionConverters.asJava(AnalysisContext.get().catalogAndNamespace());
    Scope scope = names.size() == SCOPE_PARTS ? OPEN.get(names.get(SCOPE_PARTS - 1)) : null;
    return scope == null ? null : scope.view();
  }

  /** Returns the namespace without the secret, if it is that of the view being resolved. */
  static String[] strip(String[] namespace) {
    int last = namespace.length - 1;
    boolean inside = last == 1 && namespace[last].startsWith(PREFIX) && current() != null;
    return inside ? new String[] {namespace[0]} : namespace;
  }

  /** Returns the name of a table, as it is in its schema. */
  static Identifier inSchema(Identifier ident) throws NoSuchTableException {
    String[] namespace = strip(ident.namespace());
    if (namespace.length != 1) {
      throw new NoSuchTableException(ident);
    }
    return Identifier.of(namespace, ident.name());
  }
}

package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;

/** Gets credentials for paths, volumes and tables with a session's token; keeps them so briefly that a revoke binds soon. */
final class CredentialVendor {
  private static final long KEEP_MS = 2_000;

  private record Kept(PathCredential credential, long until) {}

  private static final Map<String, Kept> KEPT = new ConcurrentHashMap<>();

  private final GatewayClient client;
  private final String token;

  CredentialVendor(Configuration settings) {
    token = settings.get("fs.lakehouse.token", "");
    client = new GatewayClient(token);
  }

  PathCredential forPath(String url, boolean write) throws IOException {
    for (String prefix = url; prefix.length() > "s3://".length(); prefix = parent(prefix)) {
      PathCredential kept = find(key(prefix, write));
      if (kept != null && kept.covers(url)) {
        return kept;
      }
    }
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("url", url).put("operation", write ? "PATH_READ_WRITE" : "PATH_READ");
    PathCredential credential = ask("temporary-path-credentials", wanted, url, write);
    return keep(key(credential.url(), write), credential);
  }

  PathCredential forVolume(String fullName, boolean write) throws IOException {
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("volume_full_name", fullName).put("operation", write ? "WRITE_VOLUME" : "READ_VOLUME");
    return forNamed(fullName, "temporary-volume-credentials", wanted, "/Volumes/" + fullName.replace('.', '/'), write);
  }

  PathCredential forTable(String tableId, String url, boolean write) throws IOException {
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("table_id", tableId).put("operation", write ? "READ_WRITE" : "READ");
    return forNamed(tableId, "temporary-table-credentials", wanted, url, write);
  }

  private PathCredential forNamed(String name, String path, ObjectNode wanted, String subject, boolean write) throws IOException {
    PathCredential kept = find(key(name, write));
    return kept != null ? kept : keep(key(name, write), ask(path, wanted, subject, write));
  }

  private PathCredential ask(String path, ObjectNode wanted, String subject, boolean write) throws IOException {
    if (token.isBlank()) {
      throw new AccessDeniedException(subject, null, "the session has no token");
    }
    try {
      JsonNode answer = client.post(path, wanted);
      return PathCredential.read(answer, write, wanted.path("table_id").asText(""));
    } catch (GatewayError error) {
      if (error.status == 403) {
        throw new AccessDeniedException(subject, null, "[" + AccessDenied.CONDITION + "] " + error.getMessage());
      }
      if (error.isMissing()) {
        throw new java.io.FileNotFoundException(subject + ": " + error.getMessage());
      }
      throw new IOException(subject + ": " + error.getMessage(), error);
    }
  }

  private String key(String name, boolean write) {
    return token + (write ? "|w|" : "|r|") + name;
  }

  private static PathCredential find(String key) {
    Kept kept = KEPT.get(key);
    return kept != null && kept.until() > System.currentTimeMillis() ? kept.credential() : null;
  }

  private static PathCredential keep(String key, PathCredential credential) {
    long now = System.currentTimeMillis();
    KEPT.values().removeIf(kept -> kept.until() <= now);
    KEPT.put(key, new Kept(credential, now + KEEP_MS));
    return credential;
  }

  private static String parent(String url) {
    return url.substring(0, Math.max(0, url.lastIndexOf('/')));
  }
}

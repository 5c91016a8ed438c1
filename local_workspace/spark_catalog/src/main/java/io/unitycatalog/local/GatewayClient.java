package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpEntityEnclosingRequestBase;
import org.apache.http.entity.ContentType;
import org.apache.http.entity.StringEntity;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/** The gateway's REST API as one token sees it. */
final class GatewayClient {
  static final ObjectMapper JSON = new ObjectMapper();
  /** The server's own setting, never a session's: nobody but the gateway may be told the secret. */
  private static final String GATEWAY = System.getProperty("lakehouse.gateway", "");

  private static final String UNITY = "/api/2.1/unity-catalog/";
  private static final CloseableHttpClient HTTP =
      HttpClients.custom().setMaxConnTotal(64).setMaxConnPerRoute(64).disableAutomaticRetries().build();

  private final String token;

  GatewayClient(String token) {
    this.token = token;
  }

  JsonNode get(String path) {
    return call("GET", path, null);
  }

  JsonNode post(String path, ObjectNode body) {
    return call("POST", path, body);
  }

  JsonNode patch(String path, ObjectNode body) {
    return call("PATCH", path, body);
  }

  void delete(String path) {
    call("DELETE", path, null);
  }

  /** Follows all pages of a list call; {@code path} already has a query. */
  List<JsonNode> list(String path, String key) {
    List<JsonNode> items = new ArrayList<>();
    String pageToken = "";
    do {
      JsonNode page = get(pageToken.isEmpty() ? path : path + "&page_token=" + encode(pageToken));
      page.path(key).forEach(items::add);
      pageToken = page.path("next_page_token").asText("");
    } while (!pageToken.isEmpty());
    return items;
  }

  static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private JsonNode call(String method, String path, ObjectNode body) {
    Request request = new Request(method, GATEWAY + (path.startsWith("/") ? path : UNITY + path));
    request.setHeader("Authorization", "Bearer " + token);
    request.setHeader("X-Local-Engine", ServerSecrets.ENGINE);
    String view = ViewScopes.current();
    if (view != null) {
      request.setHeader("X-Local-View", encode(view));
    }
    if (body != null) {
      request.setEntity(new StringEntity(body.toString(), ContentType.APPLICATION_JSON));
    }
    try (CloseableHttpResponse response = HTTP.execute(request)) {
      String text = response.getEntity() == null ? "" : EntityUtils.toString(response.getEntity(), StandardCharsets.UTF_8);
      JsonNode answer = text.isEmpty() ? JSON.createObjectNode() : JSON.readTree(text);
      int status = response.getStatusLine().getStatusCode();
      if (status >= 300) {
        throw new GatewayError(status, answer.path("error_code").asText(), answer.path("message").asText(text));
      }
      return answer;
    } catch (IOException error) {
      throw new UncheckedIOException("The gateway does not answer " + method + " " + path + ": " + error.getMessage(), error);
    }
  }

  private static final class Request extends HttpEntityEnclosingRequestBase {
    private final String method;

    Request(String method, String url) {
      this.method = method;
      setURI(java.net.URI.create(url));
    }

    @Override
    public String getMethod() {
      return method;
    }
  }
}

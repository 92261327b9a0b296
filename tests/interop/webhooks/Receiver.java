import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.function.Function;

/**
 * A platform whose server checks what arrives with the Java of docs/webhooks-checking.md, by the key in `x-key`. It
 * answers 204, or 400 with the reason of a refusal; 500 when the snippet failed in any other way.
 */
public final class Receiver {
    private interface Check {
        void check(String key, Function<String, String> header, byte[] body) throws GeneralSecurityException;
    }

    public static void main(String[] arguments) throws IOException {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/secret", exchange -> answer(exchange, Webhooks::check));
        server.createContext("/public-key", exchange -> answer(exchange, Webhooks::checkWithPublicKey));
        server.start();
        System.out.println(server.getAddress().getPort());
        System.out.flush();
    }

    private static void answer(HttpExchange exchange, Check check) throws IOException {
        Headers headers = exchange.getRequestHeaders();
        byte[] body = exchange.getRequestBody().readAllBytes();
        try {
            check.check(headers.getFirst("x-key"), headers::getFirst, body);
            exchange.sendResponseHeaders(204, -1);
        } catch (GeneralSecurityException refusal) {
            say(exchange, 400, refusal);
        } catch (RuntimeException crash) {
            say(exchange, 500, crash);
        } finally {
            exchange.close();
        }
    }

    private static void say(HttpExchange exchange, int status, Exception reason) throws IOException {
        byte[] text = reason.toString().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, text.length);
        exchange.getResponseBody().write(text);
    }
}

import com.apicatalog.jsonld.JsonLd;
import com.apicatalog.jsonld.JsonLdError;
import com.apicatalog.jsonld.JsonLdErrorCode;
import com.apicatalog.jsonld.document.JsonDocument;
import com.apicatalog.jsonld.loader.DocumentLoader;
import com.apicatalog.ld.signature.ecdsa.ECDSASignature2019;
import com.apicatalog.ld.signature.ecdsa.sd.ECDSASelective2023;
import com.apicatalog.ld.signature.eddsa.EdDSASignature2022;
import com.apicatalog.multikey.MultiKey;
import com.apicatalog.rdf.canon.RdfCanonicalizer;
import com.apicatalog.rdf.io.nquad.NQuadsWriter;
import com.apicatalog.vc.holder.Holder;
import com.apicatalog.vc.integrity.DataIntegrityProofDraft;
import com.apicatalog.vc.integrity.DataIntegritySuite;
import com.apicatalog.vc.verifier.Verifier;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Iron and Titanium, asked by JSON lines: {"op", …} gets {"ok": true, …} or {"ok": false, "error"}. */
public final class Peer {
    private static final URI PURPOSE = URI.create("https://w3id.org/security#assertionMethod");
    private static final Map<String, JsonObject> CONTEXTS = new HashMap<>();
    private static final DocumentLoader LOADER = (url, options) -> {
        JsonObject found = CONTEXTS.get(url.toString());
        if (found == null) {
            throw new JsonLdError(JsonLdErrorCode.LOADING_DOCUMENT_FAILED, "unknown context " + url);
        }
        return JsonDocument.of(found);
    };

    public static void main(String[] arguments) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            System.out.write((answer(line) + "\n").getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
    }

    private static JsonObject answer(String line) {
        try {
            var request = Json.createReader(new StringReader(line)).readObject();
            var made = Json.createObjectBuilder(switch (request.getString("op")) {
                case "learn" -> learn(request);
                case "canonicalise" -> canonicalise(request);
                case "sign" -> sign(request);
                case "derive" -> derive(request);
                case "verify" -> verify(request);
                default -> throw new IllegalArgumentException("unknown operation");
            });
            return made.add("ok", true).build();
        } catch (Throwable refused) {
            return Json.createObjectBuilder().add("ok", false).add("error", String.valueOf(refused)).build();
        }
    }

    private static JsonObject learn(JsonObject request) {
        request.getJsonObject("contexts").forEach((url, context) -> CONTEXTS.put(url, context.asJsonObject()));
        return JsonObject.EMPTY_JSON_OBJECT;
    }

    /** {"document"} → {"quads": [text…]}, canonical. */
    private static JsonObject canonicalise(JsonObject request) throws Throwable {
        var dataset = JsonLd.toRdf(JsonDocument.of(request.getJsonObject("document"))).loader(LOADER).get();
        var quads = Json.createArrayBuilder();
        for (var quad : RdfCanonicalizer.canonicalize(dataset.toList())) {
            var text = new StringWriter();
            new NQuadsWriter(text).write(quad);
            quads.add(text.toString());
        }
        return Json.createObjectBuilder().add("quads", quads).build();
    }

    /** {"suite", "algorithm", "method", "public", "secret", "created", "document"} → {"document"}. */
    private static JsonObject sign(JsonObject request) throws Throwable {
        var key = new MultiKey();
        key.setPublicKey(bytes(request, "public"));
        key.setPrivateKey(bytes(request, "secret"));
        var draft = draft(request);
        draft.created(Instant.parse(request.getString("created")));
        var issuer = suite(request).createIssuer(key).loader(LOADER).useBundledContexts(false);
        var document = issuer.sign(request.getJsonObject("document"), draft).compacted();
        return Json.createObjectBuilder().add("document", document).build();
    }

    private static DataIntegrityProofDraft draft(JsonObject request) throws Throwable {
        var method = URI.create(request.getString("method"));
        var suite = suite(request);
        if (suite instanceof EdDSASignature2022 eddsa) {
            return eddsa.createDraft(method, PURPOSE);
        }
        if (suite instanceof ECDSASignature2019 ecdsa) {
            return request.getString("algorithm").equals("P-256")
                ? ecdsa.createP256Draft(method, PURPOSE) : ecdsa.createP384Draft(method, PURPOSE);
        }
        throw new IllegalArgumentException("signs by no such suite");
    }

    /** {"document", "selective"} → {"document"}. */
    private static JsonObject derive(JsonObject request) throws Throwable {
        var holder = Holder.with(new ECDSASelective2023()).loader(LOADER).useBundledContexts(false);
        var document = holder.derive(request.getJsonObject("document"), texts(request, "selective")).compacted();
        return Json.createObjectBuilder().add("document", document).build();
    }

    private static JsonObject verify(JsonObject request) throws Throwable {
        Verifier.with(new EdDSASignature2022(), new ECDSASignature2019(), new ECDSASelective2023())
            .loader(LOADER).useBundledContexts(false).statusValidator(status -> { })
            .verify(request.getJsonObject("document"));
        return JsonObject.EMPTY_JSON_OBJECT;
    }

    private static DataIntegritySuite suite(JsonObject request) {
        return switch (request.getString("suite")) {
            case "eddsa-rdfc-2022" -> new EdDSASignature2022();
            case "ecdsa-rdfc-2019" -> new ECDSASignature2019();
            default -> throw new IllegalArgumentException("unknown suite");
        };
    }

    private static List<String> texts(JsonObject request, String name) {
        return request.getJsonArray(name).getValuesAs(JsonString::getString);
    }

    private static byte[] bytes(JsonObject request, String name) {
        return Base64.getDecoder().decode(request.getString(name));
    }
}

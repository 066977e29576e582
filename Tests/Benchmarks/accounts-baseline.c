// accounts-baseline METADATA-URL ENDPOINT AUDIENCE ISSUER CADIR COUNT: COUNT exchanges, 16 at a time, with the least
// that libcurl needs: for each a request for the token and one for the exchange, over connections that are kept.
// Prints the seconds that they took. What `wif-agent run` does until as many accounts are ready.
// cc -O2 -o accounts-baseline accounts-baseline.c -lcurl
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AT_ONCE = 16 };

struct slot {
    CURL *curl;
    char *bytes, *json;
    size_t count;
    int is_exchange;
};

static const char *endpoint, *audience, *issuer;
static char token_url[4096], exchange_url[4096];
static struct curl_slist *flavor, *type;

static size_t collect(char *bytes, size_t size, size_t count, void *context) {
    struct slot *slot = context;
    char *grown = realloc(slot->bytes, slot->count + size * count + 1);
    if (!grown) return 0;
    memcpy(grown + slot->count, bytes, size * count);
    slot->bytes = grown;
    slot->count += size * count;
    grown[slot->count] = 0;
    return size * count;
}

static void ask_token(struct slot *slot) {
    slot->is_exchange = 0;
    slot->count = 0;
    curl_easy_setopt(slot->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(slot->curl, CURLOPT_URL, token_url);
    curl_easy_setopt(slot->curl, CURLOPT_HTTPHEADER, flavor);
}

static void ask_exchange(struct slot *slot) {
    free(slot->json);
    slot->json = malloc(slot->count + 1024);
    sprintf(slot->json, "{\"audience\":\"%s\",\"issuer_uri\":\"%s\",\"jwt_token\":\"%s\"}", audience, issuer,
            slot->bytes);
    slot->is_exchange = 1;
    slot->count = 0;
    curl_easy_setopt(slot->curl, CURLOPT_URL, exchange_url);
    curl_easy_setopt(slot->curl, CURLOPT_HTTPHEADER, type);
    curl_easy_setopt(slot->curl, CURLOPT_POSTFIELDS, slot->json);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count < 7) return 64;
    endpoint = arguments[2], audience = arguments[3], issuer = arguments[4];
    int begun = 0, done = 0, wanted = atoi(arguments[6]), running;
    double start = now();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    flavor = curl_slist_append(NULL, "Metadata-Flavor: Google");
    type = curl_slist_append(NULL, "Content-Type: application/json");
    char *escaped = curl_easy_escape(NULL, audience, 0);
    snprintf(token_url, sizeof token_url,
             "%s/computeMetadata/v1/instance/service-accounts/default/identity?audience=%s&format=full", arguments[1],
             escaped);
    snprintf(exchange_url, sizeof exchange_url, "%s/SecureTokenService/ExchangeExternalToken", endpoint);
    static struct slot slots[AT_ONCE];
    for (int i = 0; i < AT_ONCE && begun < wanted; i++, begun++) {
        slots[i].curl = curl_easy_init();
        curl_easy_setopt(slots[i].curl, CURLOPT_WRITEFUNCTION, collect);
        curl_easy_setopt(slots[i].curl, CURLOPT_WRITEDATA, &slots[i]);
        curl_easy_setopt(slots[i].curl, CURLOPT_PRIVATE, &slots[i]);
        curl_easy_setopt(slots[i].curl, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(slots[i].curl, CURLOPT_CAPATH, arguments[5]);
        ask_token(&slots[i]);
        curl_multi_add_handle(multi, slots[i].curl);
    }
    while (done < wanted) {
        CURLMsg *message;
        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &(int){0}))) {
            CURL *curl = message->easy_handle;
            CURLcode code = message->data.result;
            long status = 0;
            struct slot *slot;
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
            curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&slot);
            curl_multi_remove_handle(multi, curl);
            if (code != CURLE_OK || status != 200) {
                fprintf(stderr, "%s, status %ld\n", curl_easy_strerror(code), status);
                return 1;
            }
            if (!slot->is_exchange) {
                ask_exchange(slot);
            } else {
                if (!strstr(slot->bytes, "base64_credential")) return 1;
                done++;
                if (begun == wanted) continue;
                begun++;
                ask_token(slot);
            }
            curl_multi_add_handle(multi, curl);
        }
        if (done < wanted) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    printf("%.2f\n", now() - start);
    return 0;
}

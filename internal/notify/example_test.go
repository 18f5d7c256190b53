package notify_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/wecomq/wecomq/tasks"
)

func takeNotification(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("NOTIFY_SECRET"))
	if err == nil {
		err = webhook.Verify(body, r.Header) // also checks that it is not older than five minutes
	}
	if err != nil {
		http.Error(w, "the signature is wrong", http.StatusUnauthorized)
		return
	}
	var notification struct {
		Data struct {
			Messages []tasks.Record `json:"messages"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &notification); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	for _, m := range notification.Data.Messages {
		log.Printf("%s is %s (%d %s)", m.ID, m.State, m.ErrCode, m.ErrMsg)
	}
}

// docs/notifications.md shows takeNotification.
func TestTheReceiverOfTheDocumentsBelievesWhatIsSigned(t *testing.T) {
	t.Setenv("NOTIFY_SECRET", secret)
	const body = `{"type":"messages.ended","data":{"app":"ops","messages":[{"id":"ops-1","state":"accepted"}]}}`
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	signature, err := signer.Sign("msg_1", now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{body: http.StatusOK, strings.Replace(body, "accepted", "rejected", 1): http.StatusUnauthorized} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/wecomq", strings.NewReader(text))
		r.Header.Set("Webhook-Id", "msg_1")
		r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
		r.Header.Set("Webhook-Signature", signature)
		w := httptest.NewRecorder()
		takeNotification(w, r)
		if w.Code != want {
			t.Errorf("HTTP %d for %s, want %d", w.Code, text, want)
		}
	}
}

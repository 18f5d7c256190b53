package message_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// Each place that has to know a message type says so here when it does not: the list is
// the one of CONTRIBUTING.md.
func TestEveryPlaceKnowsEveryMessageType(t *testing.T) {
	t.Parallel()
	var known []message.Request
	for _, sample := range samples.Messages() {
		known = append(known, parse(t, sample))
	}
	page := readFile(t, "../wecom/wecomtest/page.html")
	client := messageClient(t)
	for _, msgType := range message.Types() {
		t.Run(string(msgType), func(t *testing.T) {
			t.Parallel()
			ofType := func(r message.Request) bool { return r.Type() == msgType }
			if golden, _ := filepath.Glob("testdata/" + string(msgType) + "*.golden.json"); len(golden) == 0 {
				t.Error("message/testdata: no golden file has its form")
			}
			if !strings.Contains(page, string(msgType)) {
				t.Error("wecom/wecomtest/page.html: the simulator's page does not show it")
			}
			i := slices.IndexFunc(known, ofType)
			if i < 0 {
				t.Fatal("internal/samples/messages.ndjson: no sample")
			}
			if _, err := client.Send(message.APISend, known[i]); err != nil {
				t.Errorf("internal/tolerance/content.go: the simulator does not take the sample: %v", err)
			}
			if _, _, err := sendTyped(t.Context(), client, known[i]); err != nil {
				t.Error(err)
			}
			if limits := readFile(t, "testdata/limits.golden"); !strings.Contains("\n"+limits, "\n"+string(msgType)+".") {
				t.Error("message/testdata/limits.golden: none of its texts; the limits are in limit.go, the errcodes in errcode.go")
			}
		})
	}
}

// Files go by their media_ids, which are found in messages that are known and in those
// that go on as they came.
func TestEveryMediaIDIsFound(t *testing.T) {
	t.Parallel()
	for _, sample := range samples.Messages() {
		request := parse(t, sample)
		raw, err := message.ParseRaw([]byte(sample))
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(textsOf(t, sample, request.Type()), func(path string) bool { return !strings.HasSuffix(path, "media_id") })
		kinds := mediaIDs(t, request)
		if got := slices.Sorted(maps.Keys(kinds)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("message/mediaref.go: of %v it finds %v", want, got)
		}
		if diff := cmp.Diff(kinds, mediaIDs(t, raw)); diff != "" {
			t.Errorf("message/raw.go: mediaKinds and the fields in mediaref.go differ (-mediaref +raw):\n%s", diff)
		}
	}
}

// mediaIDs are the fields of a request that have a media_id, and the type of file in each.
func mediaIDs(t *testing.T, request message.Request) map[string]wecom.MediaType {
	t.Helper()
	kinds := map[string]wecom.MediaType{}
	if _, err := message.MapMedia(request, func(field string, kind wecom.MediaType, id string) (string, error) {
		kinds[field] = kind
		return id, nil
	}); err != nil {
		t.Fatal(err)
	}
	return kinds
}

// messageClient sends to a simulator of its own.
func messageClient(t *testing.T) *message.Client {
	t.Helper()
	sim, err := wecomtest.New(wecomtest.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.Handler(sim))
	t.Cleanup(server.Close)
	api, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return message.NewClient(api, strconv.Itoa(wecomtest.AgentID))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

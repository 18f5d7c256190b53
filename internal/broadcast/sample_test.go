package broadcast_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

func TestSamplesDiffer(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	var people strings.Builder
	people.WriteString("userid,name\n")
	for i := range 1500 { // two calls, in blocks of their own
		fmt.Fprintf(&people, "a%d,A\n", i)
	}
	people.WriteString("b,B\n")
	draft := b.draft("hello {{.name}}", people.String())
	stored, err := b.store.Samples(t.Context(), b.create(draft))
	if err != nil {
		t.Fatal(err)
	}
	said := make([]string, 0, len(stored))
	for _, s := range stored {
		said = append(said, string(s.Body))
	}
	if words := strings.Join(said, " "); len(said) != 2 || !strings.Contains(words, "hello A") || !strings.Contains(words, "hello B") {
		t.Errorf("samples %s", words)
	}
	if got := draft.List.Summary.Samples; len(got) != 2 {
		t.Errorf("before it is created: %+v", got)
	}
}

package webhook_test

import (
	"errors"
	"os"
	"testing"

	"github.com/wecomq/wecomq/internal/webhook"
)

func TestReadTellsASourceThatIsNoneFromABodyAtFault(t *testing.T) {
	t.Parallel()
	jenkins, err := os.ReadFile("testdata/sources/jenkins-failure.json")
	if err != nil {
		t.Fatal(err)
	}
	cfg := webhook.DefaultConfig()
	if got, err := cfg.Read("jenkins", jenkins); err != nil || len(got) != 1 {
		t.Errorf("a preset reads %d notifications, error %v; want one", len(got), err)
	}
	if _, err := cfg.Read("nagios", jenkins); !errors.As(err, new(*webhook.UnknownSourceError)) {
		t.Errorf("error %v, want that there is no such source", err)
	}
	for _, source := range []webhook.Source{"", webhook.Grafana} {
		_, err := cfg.Read(source, []byte("{"))
		if err == nil || errors.As(err, new(*webhook.SourceError)) || errors.As(err, new(*webhook.UnknownSourceError)) {
			t.Errorf("source %q: error %v, want one of the body", source, err)
		}
	}
}

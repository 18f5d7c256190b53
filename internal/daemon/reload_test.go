package daemon

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
)

func TestWhatNeedsARestartIsToldAtEachReload(t *testing.T) {
	t.Parallel()
	at := func(listen string) *config.Config {
		return &config.Config{Redis: config.Redis{URL: "redis://127.0.0.1:1"}, Gateway: config.Gateway{Listen: listen}}
	}
	d, err := Open(t.Context(), at("127.0.0.1:1"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	moved := at("127.0.0.1:2")
	for range 2 {
		if diff := cmp.Diff([]string{"gateway.listen"}, d.frozen(moved)); diff != "" {
			t.Errorf("frozen (-want +got):\n%s", diff)
		}
		d = d.reload(t.Context(), func() (*config.Config, error) { return moved, nil }, nil)
	}
	if keys := d.frozen(at("127.0.0.1:1")); len(keys) > 0 {
		t.Errorf("%v, though the config is that of the start again", keys)
	}
}

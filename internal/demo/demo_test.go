package demo

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheDemoSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		d := &Demo{Out: &said}
		slow := time.Now().Add(25 * time.Second)
		err := d.await(t.Context(), func() string { return "1 of 2 calls have arrived" }, func(ctx context.Context) error {
			select {
			case <-time.After(time.Until(slow)):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		const line = "  … 1 of 2 calls have arrived; still waiting\n"
		if err != nil || said.String() != line+line {
			t.Errorf("error %v, said %q; want it to wait, and to say so every ten seconds", err, said.String())
		}
	})
}

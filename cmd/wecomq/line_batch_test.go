package main

import (
	"context"
	"io"
	"testing"
)

func TestASlowPipeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	t.Cleanup(func() { _ = out.Close() })
	go func() {
		_, _ = io.WriteString(out, `{"touser":"a","msgtype":"text","text":{"content":"x"}}`+"\n")
	}()
	source := &messageReader{lines: true}
	source.open(in, "stdin")
	b, err := readOrStop(t.Context(), source, "1000002")
	if err != nil || len(b.messages) != 1 {
		t.Fatalf("batch %+v, error %v; want the one line that has come", b, err)
	}

	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := readOrStop(interrupted, source, "1000002"); err == nil {
		t.Error("Ctrl-C waits for the pipe")
	}
}

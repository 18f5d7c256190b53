package envelope_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

func newLines(in io.Reader) *envelope.Lines {
	return envelope.NewLines(in, envelope.Bounds{Lines: 500, Bytes: 4 << 20, Buffer: 64 << 10})
}

// FuzzLines proves that no part of a stream is lost, however it arrives.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\n\nc")
	f.Add("\r\n \n")
	f.Fuzz(func(t *testing.T, text string) {
		whole, dribble := newLines(strings.NewReader(text)), newLines(iotest.OneByteReader(strings.NewReader(text)))
		if a, b := drain(t, whole), drain(t, dribble); a != b {
			t.Errorf("%q at once, %q byte by byte", a, b)
		}
	})
}

func drain(t *testing.T, l *envelope.Lines) string {
	t.Helper()
	var all strings.Builder
	for {
		chunk, err := l.Chunk()
		for _, line := range chunk {
			all.Write(line.Text)
			all.WriteByte('\n')
		}
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzMessages proves that each line of a batch, as `wecomq send --batch` and the gateway read it, is a message
// or a fault with the number of that line.
func FuzzMessages(f *testing.F) {
	const hello = `{"touser":"chen.li","msgtype":"text","text":{"content":"hello"}}`
	f.Add(hello + "\n\n{}\r\nnot JSON\n" + hello)
	f.Add(`{"touser":"a","msgtype":"text","text":{"content":"x"},"priority":"critical","process_at":"2026-13-01T00:00:00Z"}`)
	f.Add("\ufeff" + hello + "\n[" + hello + "]\x00\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		lines, last := newLines(strings.NewReader(text)), 0
		for {
			chunk, err := lines.Chunk()
			for _, line := range chunk {
				if line.Number <= last || line.Number > strings.Count(text, "\n")+1 {
					t.Errorf("line %d comes after line %d: %q", line.Number, last, text)
				}
				last = line.Number
				e, err := line.Parse()
				if err != nil {
					continue
				}
				if m, err := e.Message(tasks.Options{}); err == nil && m.Request == nil {
					t.Errorf("line %d of %q is no message", last, text)
				}
			}
			if err != nil {
				return
			}
		}
	})
}

// FuzzValidateKey proves that a valid key fits into a header and a log.
func FuzzValidateKey(f *testing.F) {
	f.Add("k")
	f.Add(" k")
	f.Add("a b\n")
	f.Fuzz(func(t *testing.T, key string) {
		if envelope.ValidateKey(key) != nil {
			return
		}
		if key == "" || len(key) > tasks.MaxKeyBytes || strings.TrimSpace(key) != key || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q passes", key)
		}
	})
}

// FuzzParse proves that accepted messages can be encoded and read again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		``, `{}`, `null`, `[]`, "\xff", hello, with(`"priority":"bulk","process_at":"2026-01-02T15:04:05Z","expires_in":"1h","idempotency_key":"k"`),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := envelope.Parse([]byte(text))
		if err != nil {
			return
		}
		m, err := e.Message(tasks.Options{})
		if err != nil {
			return
		}
		data, err := envelope.Encode(m)
		if err != nil || len(data) > message.MaxBodyBytes {
			return // WeCom would not accept it either
		}
		if e, err = envelope.Parse(data); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		again, err := e.Message(tasks.Options{})
		if err != nil || again.Options.IdempotencyKey != m.Options.IdempotencyKey || !again.Options.At.Equal(m.Options.At) ||
			again.Options.ExpiresIn != m.Options.ExpiresIn || again.Options.Priority != m.Options.Priority {
			t.Errorf("%s: %+v, want %+v; %v", data, again.Options, m.Options, err)
		}
	})
}

package wecomtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// maxBodies bounds the memory for message bodies, in bytes.
const maxBodies = 256 << 20

// arrivals are the newest messages, with indexes.
type arrivals struct {
	list       []*Message // oldest first, Seq without gaps
	byMsgID    map[string]*Message
	byResponse map[string]*Message
	lastSeq    int64
	bytes      int           // total of the bodies
	arrived    chan struct{} // closed by the next message; nil without waiters
}

func newArrivals() arrivals {
	return arrivals{byMsgID: map[string]*Message{}, byResponse: map[string]*Message{}}
}

func (a *arrivals) add(m Message, keep int) {
	a.lastSeq++
	m.Seq = a.lastSeq
	a.list = append(a.list, &m)
	a.bytes += len(m.Body)
	a.byMsgID[m.MsgID] = &m
	if m.responseCode != "" {
		a.byResponse[m.responseCode] = &m
	}
	for len(a.list) > keep || len(a.list) > 1 && a.bytes > maxBodies {
		a.dropOldest()
	}
	if a.arrived != nil {
		close(a.arrived)
		a.arrived = nil
	}
}

func (a *arrivals) dropOldest() {
	oldest := a.list[0]
	a.list[0] = nil
	a.list = a.list[1:]
	a.bytes -= len(oldest.Body)
	delete(a.byMsgID, oldest.MsgID)
	delete(a.byResponse, oldest.responseCode)
}

// clear forgets every message; the numbering goes on.
func (a *arrivals) clear() {
	for len(a.list) > 0 {
		a.dropOldest()
	}
}

// since returns copies of the messages after a sequence number, oldest first, at most limit (0 for all), and
// only those to user unless that is empty.
func (a *arrivals) since(seq int64, limit int, user string) []Message {
	messages := []Message{}
	first := a.lastSeq - int64(len(a.list)) // the Seq before the oldest
	for _, m := range a.list[min(max(seq-first, 0), int64(len(a.list))):] {
		if limit > 0 && len(messages) == limit {
			break
		}
		if user == "" || m.concerns(user) {
			messages = append(messages, *m)
		}
	}
	return messages
}

// concerns reports whether a lower-cased userid is a recipient of the message.
func (m *Message) concerns(user string) bool {
	return m.ToAll || slices.Contains(m.To, user) || slices.Contains(m.Dropped, user)
}

// next returns a channel that the next message closes.
func (a *arrivals) next() <-chan struct{} {
	if a.arrived == nil {
		a.arrived = make(chan struct{})
	}
	return a.arrived
}

// Messages returns all messages, oldest first, including suppressed duplicates and recalled messages.
func (s *Simulator) Messages() []Message { return s.messages(0, 0, "") }

func (s *Simulator) messages(since int64, limit int, user string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals.since(since, limit, strings.ToLower(user))
}

// ForgetMessages empties the list. A forgotten message can no longer be recalled
// or updated.
func (s *Simulator) ForgetMessages() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals.clear()
}

// WaitMessages returns all messages as soon as there are at least n, or an error if ctx ends first.
func (s *Simulator) WaitMessages(ctx context.Context, n int) ([]Message, error) {
	for {
		s.mu.Lock()
		have, arrived := len(s.arrivals.list), s.arrivals.next()
		s.mu.Unlock()
		if have >= n {
			return s.Messages(), nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %d messages, %d arrived: %w", n, have, context.Cause(ctx))
		}
	}
}

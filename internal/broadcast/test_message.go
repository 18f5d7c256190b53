package broadcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// testPatience is how long WeCom's word on a test message may take.
const testPatience = time.Minute

// ErrNoVerdict is a test message that has not ended in time.
var ErrNoVerdict = errors.New("WeCom has not answered in time")

// TestMessage is a sample of a broadcast for one user, who gets it before anybody else.
type TestMessage struct {
	N, Of     int    // which of the samples it is, from 1
	To        string // who gets it
	Recipient string // of the broadcast, who would get the same
	Record    tasks.Record
	Waited    time.Duration // for the record
}

func (m TestMessage) String() string {
	return fmt.Sprintf("test message %d of %d (%s) to %s, as %s would get it", m.N, m.Of, m.Record.ID, m.To, m.Recipient)
}

// TestError is a test message that WeCom has not accepted; those after it were not sent. It
// is [ErrNoVerdict] if the message may still be sent.
type TestError struct{ TestMessage }

// Error says which, and why.
func (e *TestError) Error() string {
	if r := e.Record; r.State.Final() {
		return fmt.Sprintf("%s: %s: %s", e.TestMessage, r.State, r.ErrMsg)
	}
	return fmt.Sprintf("%s: it is %s after %s. %s", e.TestMessage,
		cmp.Or(e.Record.State, "not finished"), e.Waited, cmp.Or(e.Record.ErrMsg, "Is a worker running?"))
}

// Unwrap is [ErrNoVerdict], or nil for a message that has ended.
func (e *TestError) Unwrap() error {
	if e.Record.State.Final() {
		return nil
	}
	return ErrNoVerdict
}

// CreateTested is [Store.Create] for a broadcast that runs only if WeCom has accepted its
// samples for one user: see [Desk.Test]. With "" for the user it is not tested. A repeat that
// finds the broadcast tests nothing; under the key of one that says something else it is a
// [*tasks.KeyReuseError].
func (d *Desk) CreateTested(ctx context.Context, draft Draft, to string, accepted func(TestMessage)) (b *Broadcast, duplicate bool, err error) {
	if b, duplicate, err = d.repeated(ctx, draft); err != nil {
		return nil, false, err
	}
	if to != "" && !duplicate {
		if err := d.Test(ctx, b, to, accepted); err != nil {
			return nil, false, fmt.Errorf("the broadcast was not created: %w", err)
		}
	}
	b, err = d.Start(ctx, b.ID, b.Digest)
	return b, duplicate, err
}

// Test sends the samples of a broadcast to one user, who sees what others would get, and
// waits for each: accepted, if it is not nil, is told of those that WeCom has accepted. The
// first that it has not is a [*TestError], and the last. The broadcast need not have been
// started; it stays as it is.
func (d *Desk) Test(ctx context.Context, b *Broadcast, to string, accepted func(TestMessage)) error {
	if err := checkTester(to); err != nil {
		return err
	}
	samples, err := d.Samples(ctx, b)
	if err != nil {
		return err
	}
	if len(samples) == 0 {
		return fmt.Errorf("test %s: its recipients are not in Redis any more; create it again", b.ID)
	}
	for i, sample := range samples {
		m := TestMessage{N: i + 1, Of: len(samples), To: to, Recipient: sample.Recipient}
		begun := time.Now()
		if m.Record, err = d.send(ctx, sample, to, b.Spec.CreatedBy); err != nil {
			return fmt.Errorf("test message %d of %d: %w", m.N, m.Of, err)
		}
		m.Waited = time.Since(begun).Round(time.Second)
		if m.Record.State != tasks.Accepted {
			return &TestError{m}
		}
		if accepted != nil {
			accepted(m)
		}
	}
	return nil
}

// checkTester refuses what names nobody, or more than one.
func checkTester(to string) error {
	if err := message.CheckUserID(to); err != nil {
		return wrong("test_to", "%v", err)
	}
	return nil
}

// send enqueues a sample for one user, and waits until it has ended. A record without a
// final state is one that has not in time. It belongs to whoever creates the broadcast.
func (d *Desk) send(ctx context.Context, sample Sample, to, creator string) (tasks.Record, error) {
	request, err := message.Parse(sample.Body)
	if err != nil {
		return tasks.Record{}, err
	}
	request = message.WithRecipients(request, message.Recipients{Users: []string{to}})
	receipt, err := d.Enqueue(ctx, tasks.Message{Request: request, Options: tasks.Options{Actor: creator}})
	if err != nil {
		return tasks.Record{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	record, err := lookup.Await(ctx, receipt.ID, d.Record, func(error) {})
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return record, err
}

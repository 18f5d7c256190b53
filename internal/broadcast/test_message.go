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

// testPatience is how long WeCom may take to accept a test message.
const testPatience = time.Minute

// ErrNoVerdict is a test message that was not finished in time.
var ErrNoVerdict = errors.New("WeCom has not answered in time")

// TestMessage is a sample of a broadcast, sent to one user before anybody else.
type TestMessage struct {
	N, Of     int    // number of the sample, from 1
	To        string // its recipient
	Recipient string // the broadcast's recipient who would get the same
	Record    tasks.Record
	Waited    time.Duration // for the record
}

func (m TestMessage) String() string {
	return fmt.Sprintf("test message %d of %d (%s) to %s, as %s would get it", m.N, m.Of, m.Record.ID, m.To, m.Recipient)
}

// TestError is a test message that WeCom did not accept; those after it were not sent. It unwraps to
// [ErrNoVerdict] if the message may still be sent.
type TestError struct{ TestMessage }

// Error has the message and its state.
func (e *TestError) Error() string {
	if r := e.Record; r.State.Final() {
		return fmt.Sprintf("%s: %s: %s", e.TestMessage, r.State, r.ErrMsg)
	}
	return fmt.Sprintf("%s: it is %s after %s. %s", e.TestMessage,
		cmp.Or(e.Record.State, "not finished"), e.Waited, cmp.Or(e.Record.ErrMsg, "Is a worker running?"))
}

// Unwrap is [ErrNoVerdict], or nil for a finished message.
func (e *TestError) Unwrap() error {
	if e.Record.State.Final() {
		return nil
	}
	return ErrNoVerdict
}

// CreateTested is [Store.Create] for a broadcast that starts only if WeCom accepts its samples for one user:
// see [Desk.Test]. If to is "", there is no test. A repeat that finds the broadcast tests nothing; other
// content with the same key is a [*tasks.KeyReuseError].
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

// Test sends the samples of a broadcast to one user, who sees what others would get, and waits for each.
// accepted, if not nil, is called for each that WeCom accepts. The first that it does not accept is returned
// as a [*TestError] and ends the test. The broadcast need not be started, and is not changed.
func (d *Desk) Test(ctx context.Context, b *Broadcast, to string, accepted func(TestMessage)) error {
	if err := checkTester(to); err != nil {
		return err
	}
	samples, err := d.Samples(ctx, b)
	if err != nil {
		return err
	}
	if len(samples) == 0 {
		return fmt.Errorf("test %s: its recipients are no longer in Redis; create it again", b.ID)
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

// checkTester requires exactly one user.
func checkTester(to string) error {
	if err := message.CheckUserID(to); err != nil {
		return wrong("test_to", "%v", err)
	}
	return nil
}

// send enqueues a sample for one user, and waits until it is finished. A record without a final state means a
// timeout. It belongs to the broadcast's creator.
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

package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

var (
	//go:embed card.lua
	cardSource string

	cardScript = redis.NewScript(Constants + cardConstants + cardSource)
)

// CardClaim claims the response_codes of a card for an update. WeCom accepts each code once, within
// [message.ResponseCodeLife].
type CardClaim struct {
	Parts   []string // ids of the parts of the card that WeCom has
	Updates []string // id of the update of each part
	Digest  string   // of the content: updates with equal digests are the same update
	Number  int      // of the update: one more than the highest of any part
	Lost    string   // id of an update that has a claim but exists nowhere; "" for none
	Once    bool     // an update with this digest is found even if it failed; otherwise it is claimed again
}

// CodeUsedError is a response_code that another update has used, or may still use.
type CodeUsedError struct {
	Card   string // id of the card, or of a part of it
	Update string
	At     time.Time   // of the claim
	State  tasks.State // of the update; [tasks.None] while it has no record
}

// Error says which update claimed the code, and when.
func (e *CodeUsedError) Error() string {
	state := string(e.State)
	if e.State == tasks.None {
		state = "not sent yet"
	}
	return fmt.Sprintf("%s: its response_code was given to update %s at %s, which is %s; a card changes once: send a new one",
		e.Card, e.Update, e.At.UTC().Format(time.RFC3339), state)
}

// CodeExpiredError is a response_code that WeCom no longer accepts.
type CodeExpiredError struct {
	Card string
	Age  time.Duration
}

// Error gives the age of the card.
func (e *CodeExpiredError) Error() string {
	return fmt.Sprintf("%s: it was sent %s ago, and WeCom changes a card within %s only: send a new one",
		e.Card, e.Age.Round(time.Minute), message.ResponseCodeLife)
}

// ErrClaimedMeanwhile is returned if another claim has used this Number since the records were read.
var ErrClaimedMeanwhile = errors.New("somebody has updated the card at the same moment")

// ClaimCard gives the codes of all parts to one update, or none of them. found are the ids of the update's parts
// if it already has the codes; nil after a new claim. A claim is never given back: a repeated update finds it,
// and is enqueued.
func (l *Ledger) ClaimCard(ctx context.Context, c CardClaim) (found []string, err error) {
	names := []string{keys.Record(l.app, "")}
	for _, part := range c.Parts {
		names = append(names, keys.Record(l.app, part))
	}
	args := []any{message.ResponseCodeLife.Milliseconds(), c.Digest, c.Number, c.Lost, c.Once}
	for _, update := range c.Updates {
		args = append(args, update)
	}
	reply, err := cardScript.Run(durability.Promised(ctx), l.rdb, names, args...).Slice()
	if err != nil {
		return nil, fmt.Errorf("claim the response_code of %s: %w", c.Parts[0], err)
	}
	return c.read(reply)
}

// read reads the reply of card.lua.
func (c CardClaim) read(reply []any) (found []string, err error) {
	text := make([]string, len(reply))
	for i, value := range reply {
		text[i] = fmt.Sprint(value)
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(text[i], 10, 64)
		return n
	}
	switch text[0] {
	case "claimed":
		return nil, nil
	case "found":
		return text[1:], nil
	case "again":
		return nil, ErrClaimedMeanwhile
	case "old":
		return nil, &CodeExpiredError{Card: c.Parts[number(1)], Age: time.Duration(number(2)) * time.Millisecond}
	default:
		return nil, &CodeUsedError{Card: c.Parts[number(1)], Update: text[2], At: milli(number(3)), State: tasks.State(text[4])}
	}
}

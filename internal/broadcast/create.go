package broadcast

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

//go:embed create.lua
var createSource string

var createScript = redis.NewScript(createSource)

const (
	// creation is the TTL of a broadcast that is being stored, renewed by each block.
	creation = time.Hour
	// blocksPerTrip bounds one round trip to Redis to about 300 KB.
	blocksPerTrip = 32
)

// Draft is a broadcast to create.
type Draft struct {
	Spec Spec
	List *compose.Compiled
	// Key is the sender's idempotency key, and KeyOwner its owner, "" for the app; without a key the id
	// derives from the content.
	Key, KeyOwner string
	// OnProgress, if set, is called with the number of recipients stored so far.
	OnProgress func(recipients int)
}

// ErrKeyInUse is a creation with the key of another broadcast that is currently being stored.
var ErrKeyInUse = errors.New("another broadcast is being created with this idempotency key")

// ErrChanged is a broadcast whose content differs from what the caller wants to start.
var ErrChanged = errors.New("the broadcast was changed since it was checked; check it again")

// The failures of a creation. Nothing was sent.
var (
	ErrLost    = errors.New("some of its blocks were lost; repeat the command")
	ErrGivenUp = fmt.Errorf("it took more than %s and was abandoned; repeat the command", creation)
)

// Create stores a broadcast, and then starts it. Nothing is sent before it is complete. A repeat finds the
// first one, or continues an interrupted one.
func (s *Store) Create(ctx context.Context, d Draft) (b *Broadcast, duplicate bool, err error) {
	if b, err = s.Prepare(ctx, d); err != nil {
		return nil, false, err
	}
	duplicate = b.State != Creating
	b, err = s.Start(ctx, b.ID, b.Digest)
	return b, duplicate, err
}

// Prepare stores a broadcast that does not run before [Store.Start]: until then it is [Creating], is not
// listed, and expires after an hour. Another draft with the same key replaces it.
func (s *Store) Prepare(ctx context.Context, d Draft) (*Broadcast, error) {
	if err := d.Spec.Validate(); err != nil {
		return nil, err
	}
	digest, err := d.Digest()
	if err != nil {
		return nil, err
	}
	id := d.id(s.app, digest)
	state, err := s.begin(ctx, id, digest, d)
	if err != nil {
		return nil, err
	}
	if state == Creating {
		if err := s.storeBlocks(ctx, id, digest, d); err != nil {
			return nil, err
		}
	}
	return s.Get(ctx, id)
}

// Start starts a prepared broadcast with this digest. One that was already started is not changed. If another
// one has replaced it, the error is [ErrChanged].
func (s *Store) Start(ctx context.Context, id, digest string) (b *Broadcast, err error) {
	defer func() { activity.Record(ctx, activity.CreateBroadcast, s.app, id, err) }()
	b, err = s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.State == Creating {
		if err := s.spendAndComplete(ctx, b, digest); err != nil {
			return nil, err
		}
		if b, err = s.Get(ctx, id); err != nil {
			return nil, err
		}
	}
	if b.Digest != digest {
		return nil, ErrChanged
	}
	if b.State == Running || b.State == Scheduled { // it may have been created just before
		err = s.enqueueFeeder(ctx, id, b.Spec.At)
	}
	return b, err
}

// spendAndComplete starts a broadcast if it fits in its sender's budget.
func (s *Store) spendAndComplete(ctx context.Context, b *Broadcast, digest string) error {
	undo := func() {}
	if s.Spend != nil && b.Spec.ReplayOf == "" {
		var err error
		if undo, err = s.Spend(ctx, b.Recipients); err != nil {
			return err
		}
	}
	first, err := s.complete(ctx, b.ID, digest, b.Spec)
	if !first && (err == nil || certainlyNot(err)) { // another request was faster, or it is not running
		undo()
	}
	return err
}

// certainlyNot reports whether a broadcast that could not be completed is certainly not running. After other
// errors, such as a lost connection, it may be.
func certainlyNot(err error) bool {
	return errors.Is(err, ErrChanged) || errors.Is(err, ErrLost) || errors.Is(err, ErrGivenUp) || asynqx.IsFull(err)
}

// ID is the id of the broadcast to create.
func (d Draft) ID(app string) (string, error) {
	digest, err := d.Digest()
	return d.id(app, digest), err
}

// Planned is the broadcast as it would start now.
func (d Draft) Planned(app string) (*Broadcast, error) {
	id, err := d.ID(app)
	list := d.List.Summary
	return &Broadcast{
		ID: id, App: app, Spec: d.Spec, State: Running, Recipients: list.Recipients, Calls: list.Calls, Blocks: list.Blocks,
		Duplicates: list.Duplicates, Skipped: list.Invalid, Counts: Counts{Pending: list.Recipients},
	}, err
}

// Digest is equal for equal content, time and recipients.
func (d Draft) Digest() (string, error) {
	said := d.Spec
	said.CreatedBy = ""
	text, err := json.Marshal(said)
	if err != nil {
		return "", fmt.Errorf("broadcast: %w", err)
	}
	sum := sha256.New()
	sum.Write(d.List.Summary.Digest[:])
	sum.Write(text)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (d Draft) id(app, digest string) string {
	if d.Key != "" {
		return tasks.BroadcastIDFromKey(app, "key\x00"+tasks.OwnedKey(d.KeyOwner, d.Key))
	}
	return tasks.BroadcastIDFromKey(app, "digest\x00"+digest)
}

func (s *Store) begin(ctx context.Context, id, digest string, d Draft) (State, error) {
	spec, err := json.Marshal(d.Spec)
	if err != nil {
		return "", fmt.Errorf("broadcast: %w", err)
	}
	list := d.List.Summary
	now, err := s.create(ctx, id, "begin", digest, creation,
		"spec", string(spec), "recipients", list.Recipients, "calls", list.Calls, "blocks", list.Blocks,
		"duplicates", list.Duplicates, "skipped", list.Invalid)
	if err == nil && now.state == Creating && now.digest != digest {
		return "", ErrKeyInUse
	}
	return now.state, err
}

// created is the state of a broadcast after a step of its creation.
type created struct {
	state     State
	digest    string
	completed bool // by this step
}

// create runs create.lua.
func (s *Store) create(ctx context.Context, id, step, digest string, lives time.Duration, args ...any) (created, error) {
	reply, err := createScript.Run(durability.Promised(ctx), s.rdb, []string{
		keys.Broadcast(s.app, id), keys.BroadcastBlocks(s.app, id), keys.Broadcasts(s.app),
	}, append([]any{step, id, digest, lives.Milliseconds()}, args...)...).StringSlice()
	if err != nil {
		return created{}, fmt.Errorf("create broadcast: %w", err)
	}
	return created{State(reply[0]), reply[1], reply[2] == "1"}, nil
}

// complete reports whether this call started the broadcast.
func (s *Store) complete(ctx context.Context, id, digest string, spec Spec) (first bool, err error) {
	now, err := s.create(ctx, id, "complete", digest, keys.LongTTL, string(spec.first()))
	switch {
	case err != nil:
		return false, err
	case now.state == Creating && now.digest != digest:
		return false, ErrChanged
	case now.state == Creating:
		return false, fmt.Errorf("create broadcast: %w", ErrLost)
	case now.state == "":
		return false, fmt.Errorf("create broadcast: %w", ErrGivenUp)
	}
	return now.completed, nil
}

// storeBlocks writes the recipients. It stops early if a repeat completes the broadcast meanwhile.
func (s *Store) storeBlocks(ctx context.Context, id, digest string, d Draft) error {
	stored := 0
	pending := make([]any, 0, 2*blocksPerTrip)
	flush := func() (more bool, err error) {
		if len(pending) == 0 {
			return true, nil
		}
		now, err := s.create(ctx, id, "store", digest, creation, pending...)
		switch {
		case err != nil:
			return false, err
		case now.state == Creating && now.digest != digest:
			return false, ErrKeyInUse
		}
		pending = pending[:0]
		if d.OnProgress != nil {
			d.OnProgress(stored)
		}
		return now.state == Creating, nil
	}
	n := 0
	for block, err := range d.List.Blocks() {
		if err != nil {
			return err
		}
		encoded, err := compose.EncodeBlock(block)
		if err != nil {
			return fmt.Errorf("create broadcast: %w", err)
		}
		pending = append(pending, strconv.Itoa(n), encoded)
		n++
		stored += block.Recipients()
		if len(pending) == cap(pending) {
			if more, err := flush(); err != nil || !more {
				return err
			}
		}
	}
	_, err := flush()
	return err
}

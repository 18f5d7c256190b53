package tasks

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
)

// IDLength is the length of an id's second part: a ULID, or a hash in its alphabet.
const IDLength = ulid.EncodedSize

var appPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// ValidateApp checks the alias of an app: 1 to 32 of a-z, 0-9 and -, not
// beginning with -.
func ValidateApp(app string) error {
	if !appPattern.MatchString(app) {
		return fmt.Errorf("app: %q is not 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit", app)
	}
	return nil
}

// NewID makes the id of a new message: <app>-<ULID>. Ids sort by time.
func NewID(app string) string { return app + "-" + ulid.Make().String() }

// IDFromKey derives the id from an idempotency key: the same key gives the same id on every host, so that a
// repeat finds the first message.
func IDFromKey(app, key string) string {
	sum := sha256.Sum256([]byte(app + "\x00" + key))
	var id ulid.ULID
	copy(id[:], sum[:])
	return app + "-" + id.String()
}

// OwnedKey combines an owner and an idempotency key for [IDFromKey]; with owner "" the key belongs to the
// app.
func OwnedKey(owner, key string) string {
	if owner == "" {
		return key
	}
	return "token\x00" + owner + "\x00" + key
}

// PartID is the id of part n, counted from 1, of a message that was split. The
// first part has the message's own id.
func PartID(id string, n int) string {
	if n <= 1 {
		return id
	}
	return id + "." + strconv.Itoa(n)
}

// FollowUpID is the id of follow-up n, counted from 1, of a message or part: the
// message to those of its recipients who had to wait.
func FollowUpID(id string, n int) string {
	if !strings.Contains(id, ".") {
		id += ".1" // of the first part, which has the message's own id
	}
	return id + "." + strconv.Itoa(n)
}

// MessageID is the id of the message that a part or follow-up belongs to.
func MessageID(partID string) string {
	id, _, _ := strings.Cut(partID, ".")
	return id
}

// AppOf returns the app from an id. The record is stored under that app.
func AppOf(id string) (string, error) {
	whole := MessageID(id)
	dash := strings.LastIndexByte(whole, '-')
	if dash < 1 || len(whole)-dash-1 != IDLength {
		return "", fmt.Errorf("id: %q is not <app>-<%d characters>", id, IDLength)
	}
	return whole[:dash], ValidateApp(whole[:dash])
}

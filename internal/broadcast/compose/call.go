package compose

import (
	"encoding/binary"
	"errors"
	"iter"

	"github.com/wecomq/wecomq/message"
)

// Call is one message/send: recipients who get the same bytes.
type Call struct {
	// Users are 1 to [message.MaxUsers] userids, sorted without regard to case.
	Users []string
	// Columns are the values of the template's columns, in the order of [Template.Columns].
	Columns []string
}

// appendRow writes a recipient and the values of the template's columns.
func appendRow(into []byte, user string, values []string) []byte {
	into = appendString(into, user)
	for _, value := range values {
		into = appendString(into, value)
	}
	return into
}

// readRow is the inverse of appendRow.
func readRow(row []byte, columns int) (user string, values []string, err error) {
	r := reader{rest: row}
	user = r.string()
	for range columns {
		values = append(values, r.string())
	}
	return user, values, r.err
}

// group combines recipients into calls. Their keys begin with the hash of their rendering and are sorted.
func group(recipients iter.Seq2[record, error], columns int) iter.Seq2[Call, error] {
	return func(yield func(Call, error) bool) {
		var hash []byte
		var call Call
		for r, err := range recipients {
			if err != nil {
				yield(Call{}, err)
				return
			}
			same := string(r.key[:hashBytes]) == string(hash)
			if len(call.Users) > 0 && (!same || len(call.Users) == message.MaxUsers) {
				if !yield(call, nil) {
					return
				}
				call = Call{Columns: call.Columns}
			}
			user, values, err := readRow(r.value, columns)
			if err != nil {
				yield(Call{}, err)
				return
			}
			if !same {
				hash, call.Columns = append(hash[:0], r.key[:hashBytes]...), values
			}
			call.Users = append(call.Users, user)
		}
		if len(call.Users) > 0 {
			yield(call, nil)
		}
	}
}

var errTruncated = errors.New("it is truncated")

// reader reads the encoding of this package. After an error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

// number reads a number of at most limit.
func (r *reader) number(limit int) int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(limit) { //nolint:gosec // limits are not negative
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return int(n) //nolint:gosec // it is at most limit
}

func (r *reader) string() string { return string(r.bytes(len(r.rest))) }

// bytes reads a length of at most limit, and as many bytes.
func (r *reader) bytes(limit int) []byte {
	n := r.number(limit)
	if n > len(r.rest) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errTruncated
	}
	r.rest = nil
}

func appendString(into []byte, s string) []byte {
	into = binary.AppendUvarint(into, uint64(len(s)))
	return append(into, s...)
}

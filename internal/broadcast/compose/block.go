package compose

import (
	"encoding/binary"
	"fmt"
	"iter"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/wecomq/wecomq/message"
)

const (
	// MaxBlockRecipients is the maximum number of recipients in a block.
	MaxBlockRecipients = message.MaxUsers
	// maxBlockBytes bounds an uncompressed block: one call with the longest values always fits.
	maxBlockBytes = 1 << 20
	// blockVersion is the first byte of an encoded block.
	blockVersion = 1
)

// Block is a unit of storage: whole calls with at most [MaxBlockRecipients] recipients. All calls of a
// broadcast have the same number of columns.
type Block []Call

// Recipients is the number of recipients of all calls.
func (b Block) Recipients() int {
	n := 0
	for _, call := range b {
		n += len(call.Users)
	}
	return n
}

// pack fills blocks with as many calls as fit.
func pack(calls iter.Seq2[Call, error]) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		var block Block
		var users, size int
		for call, err := range calls {
			if err != nil {
				yield(nil, err)
				return
			}
			more := sizeOf(call)
			if len(block) > 0 && (users+len(call.Users) > MaxBlockRecipients || size+more > maxBlockBytes) {
				if !yield(block, nil) {
					return
				}
				block, users, size = nil, 0, 0
			}
			block, users, size = append(block, call), users+len(call.Users), size+more
		}
		if len(block) > 0 {
			yield(block, nil)
		}
	}
}

// sizeOf is the maximum size of a call in a block.
func sizeOf(call Call) int {
	size := 2 * binary.MaxVarintLen16
	for _, user := range call.Users {
		size += len(user) + 2
	}
	for _, value := range call.Columns {
		size += len(value) + binary.MaxVarintLen32
	}
	return size
}

// EncodeBlock encodes and compresses a block. The same version of this program gives the same bytes for the
// same block.
func EncodeBlock(block Block) ([]byte, error) {
	tools, err := codec()
	if err != nil {
		return nil, err
	}
	return tools.encoder.EncodeAll(appendBlock(nil, block), []byte{blockVersion}), nil
}

// appendBlock writes the number of calls and of columns, the number of users of each call, all users, and
// then all values column by column, so that similar data is adjacent. A user is written as the difference
// from the one before.
func appendBlock(b []byte, block Block) []byte {
	columns := 0
	if len(block) > 0 {
		columns = len(block[0].Columns)
	}
	b = binary.AppendUvarint(b, uint64(len(block)))
	b = binary.AppendUvarint(b, uint64(columns))
	for _, call := range block {
		b = binary.AppendUvarint(b, uint64(len(call.Users)))
	}
	last := ""
	for _, call := range block {
		for _, user := range call.Users {
			same := commonPrefix(last, user)
			b = appendString(binary.AppendUvarint(b, uint64(same)), user[same:]) //nolint:gosec // not negative
			last = user
		}
	}
	for column := range columns {
		for _, call := range block {
			b = appendString(b, call.Columns[column])
		}
	}
	return b
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b), message.MaxUserIDBytes) && a[n] == b[n] {
		n++
	}
	return n
}

// DecodeBlock is the inverse of [EncodeBlock]. Whatever the bytes, it needs only a few MB.
func DecodeBlock(encoded []byte) (Block, error) {
	block, err := decodeBlock(encoded)
	if err != nil {
		return nil, fmt.Errorf("decode block: %w", err)
	}
	return block, nil
}

func decodeBlock(encoded []byte) (Block, error) {
	if len(encoded) == 0 || encoded[0] != blockVersion {
		return nil, fmt.Errorf("it is empty or its version is not %d", blockVersion)
	}
	tools, err := codec()
	if err != nil {
		return nil, err
	}
	plain, err := tools.decoder.DecodeAll(encoded[1:], nil)
	if err != nil {
		return nil, err
	}
	r := reader{rest: plain}
	block := r.block()
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d trailing bytes", len(r.rest))
	}
	return block, r.err
}

// block reads the output of appendBlock.
func (r *reader) block() Block {
	calls := r.number(MaxBlockRecipients)
	columns := r.number(MaxColumns)
	block := make(Block, calls)
	left := MaxBlockRecipients
	for i := range block {
		n := r.number(left)
		if n == 0 && r.err == nil {
			r.err = fmt.Errorf("call %d has no users", i)
		}
		left -= n
		block[i].Users = make([]string, n)
	}
	r.users(block)
	for range columns {
		for i := range block {
			block[i].Columns = append(block[i].Columns, r.string())
		}
		if r.err != nil {
			return nil
		}
	}
	return block
}

func (r *reader) users(block Block) {
	last := ""
	for _, call := range block {
		for i := range call.Users {
			same := r.number(len(last))
			end := r.bytes(message.MaxUserIDBytes - same)
			last = last[:same] + string(end)
			call.Users[i] = last
		}
	}
}

// tools are pooled: creating them takes longer than using them.
type tools struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

var codec = sync.OnceValues(func() (tools, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithWindowSize(maxBlockBytes), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return tools{}, fmt.Errorf("compress: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(2*maxBlockBytes), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return tools{}, fmt.Errorf("decompress: %w", err)
	}
	return tools{encoder, decoder}, nil
})

package wecom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MediaType is the kind of a temporary media file (90253).
type MediaType string

// The media types of WeCom.
const (
	MediaImage MediaType = "image" // JPG or PNG, 10 MB
	MediaVoice MediaType = "voice" // AMR, 2 MB, 60 s
	MediaVideo MediaType = "video" // MP4, 10 MB
	MediaFile  MediaType = "file"  // anything, 20 MB
)

const mebibyte = 1 << 20

// Limits of temporary media (90253), in bytes unless said otherwise.
const (
	MinMediaBytes    = 6 // "more than 5 bytes"
	MaxImageBytes    = 10 * mebibyte
	MaxVoiceBytes    = 2 * mebibyte
	MaxVideoBytes    = 10 * mebibyte
	MaxFileBytes     = 20 * mebibyte
	MaxVoiceDuration = time.Minute
)

// mediaRules has the files that WeCom accepts by type (90253), the errcodes of the others (90313), and what
// to do about them.
var mediaRules = map[MediaType]struct {
	max            int
	tooLarge       Code
	shrink         string
	format         string
	is             func(content []byte) bool
	isNot          Code
	convert, takes string
}{
	MediaImage: {MaxImageBytes, 40009, "make it smaller", "a JPG or PNG", isPicture, 40004, "save it as one of them", "JPG or PNG"},
	MediaVoice: {MaxVoiceBytes, 45001, "make it shorter", "an AMR", isAMR, 301017, "convert it to AMR of 8 kHz, mono", "AMR"},
	MediaVideo: {MaxVideoBytes, 40011, "make it smaller, or send it as a file", "an MP4", isMP4, 40004, "convert it: ffmpeg -i FILE video.mp4", "MP4"},
	MediaFile:  {MaxFileBytes, 45001, "make it smaller, or send a link to it", "a file", func([]byte) bool { return true }, 0, "", ""},
}

// MaxBytes is the largest file of the type, 0 for an unknown type.
func (t MediaType) MaxBytes() int { return mediaRules[t].max }

// Limits describes the files that WeCom accepts: "AMR, at most 2 MB and 60 s".
func (t MediaType) Limits() string {
	rules := mediaRules[t]
	most := fmt.Sprintf("at most %d MB", rules.max/mebibyte)
	if t == MediaVoice {
		most += fmt.Sprintf(" and %d s", MaxVoiceDuration/time.Second)
	}
	if rules.takes == "" {
		return most
	}
	return rules.takes + ", " + most
}

// TooLarge is the [*MediaError] of a file larger than [MediaType.MaxBytes], for readers that stop there.
func (t MediaType) TooLarge() error {
	rules := mediaRules[t]
	return mediaError(rules.tooLarge, "more than WeCom's limit of %d MB for type %s; %s", rules.max/mebibyte, t, rules.shrink)
}

// MediaError reports a file that WeCom would not accept. It was not uploaded.
type MediaError struct {
	Code    Code   // what WeCom would answer
	Problem string // names the limit and the fix
}

// Error is the problem.
func (e *MediaError) Error() string { return e.Problem }

// Unwrap returns the errcode.
func (e *MediaError) Unwrap() error { return e.Code }

// Class is that of the errcode: [ClassContent].
func (e *MediaError) Class() Class { return e.Code.Class() }

// CheckMedia returns a [*MediaError] for a file that WeCom would not accept for the type (90253), because of
// its size, its format (by the first bytes), its length (voice) or its name.
func CheckMedia(kind MediaType, filename string, content []byte) error {
	rules, known := mediaRules[kind]
	size := len(content)
	switch {
	case !known:
		return mediaError(40005, "type %q is not one of image, voice, video, file", kind)
	case size == 0:
		return mediaError(44001, "the file is empty; WeCom accepts no file under %d bytes", MinMediaBytes)
	case size < MinMediaBytes:
		return mediaError(40006, "%d bytes; WeCom accepts no file under %d", size, MinMediaBytes)
	case size > rules.max:
		return kind.TooLarge()
	case kind == MediaVoice && bytes.HasPrefix(content, []byte(wideMagic)):
		return mediaError(rules.isNot, "wide-band AMR (AMR-WB); WeCom accepts only narrow-band AMR for type voice; %s", rules.convert)
	case !rules.is(content):
		return mediaError(rules.isNot, "not %s by its first bytes; WeCom accepts nothing else for type %s; %s", rules.format, kind, rules.convert)
	case kind == MediaVoice && amrDuration(content) > MaxVoiceDuration:
		return mediaError(45007, "%s long, more than WeCom's limit of %s for type voice; cut it: ffmpeg -i FILE -t %d -c copy short.amr",
			amrDuration(content), MaxVoiceDuration, MaxVoiceDuration/time.Second)
	}
	return CheckFilename(filename)
}

func mediaError(code Code, format string, args ...any) error {
	return &MediaError{Code: code, Problem: fmt.Sprintf(format, args...)}
}

// maxFilenameBytes is our own limit.
const maxFilenameBytes = 255

// CheckFilename enforces the rules of page 90253, and the restrictions of the form.
func CheckFilename(name string) error {
	switch {
	case name == "" || strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\:\r\n\""):
		return mediaError(40058, `file name %q is empty, starts with / or contains one of \ : " or a line break`, name)
	case strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
		return mediaError(40058, "file name %q has control characters, or is not UTF-8", name)
	case len(name) > maxFilenameBytes:
		return mediaError(40058, "the file name has %d bytes, at most %d", len(name), maxFilenameBytes)
	}
	return nil
}

func isPicture(content []byte) bool {
	return bytes.HasPrefix(content, []byte("\xff\xd8\xff")) || bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n"))
}

// The brands of MP4 video, and those of other formats or their prefixes (ISO/IEC 14496-12, 4.3). A file of the
// second kind may list one of the first as compatible: audio only, phone and Flash videos, images.
var (
	videoBrands = []string{"iso", "mp4", "avc1", "M4V", "MSNV"}
	otherBrands = []string{"qt", "M4A", "M4B", "M4P", "3g", "f4", "F4", "hei", "hevc", "hevx", "mif1", "msf1", "avif", "avis"}
)

// isMP4 reports whether a file declares itself an MP4 video. MOV, M4A and HEIC begin like one.
func isMP4(content []byte) bool {
	if len(content) < 12 || string(content[4:8]) != "ftyp" {
		return false
	}
	box := content[8:min(max(uint64(binary.BigEndian.Uint32(content)), 12), uint64(len(content)))]
	hasBrand := func(at int, brands []string) bool {
		return slices.ContainsFunc(brands, func(brand string) bool { return bytes.HasPrefix(box[at:], []byte(brand)) })
	}
	if hasBrand(0, videoBrands) || hasBrand(0, otherBrands) {
		return hasBrand(0, videoBrands)
	}
	for at := 8; at+4 <= len(box); at += 4 { // the compatible brands
		if hasBrand(at, videoBrands) {
			return true
		}
	}
	return false
}

// amrMagic begins a narrow-band AMR file, wideMagic a wide-band one (RFC 4867). WeCom's pages mention AMR
// only, and members record narrow-band (90253, 90255).
const (
	amrMagic  = "#!AMR\n"
	wideMagic = "#!AMR-WB\n"
)

func isAMR(content []byte) bool { return bytes.HasPrefix(content, []byte(amrMagic)) }

// amrFrames are the sizes of narrow-band AMR frames by type, in bytes with the header; 0 for reserved types
// (3GPP TS 26.101).
var amrFrames = [16]int{13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1}

// amrDuration is the length of a recording as far as it can be parsed: each frame holds 20 ms.
func amrDuration(content []byte) time.Duration {
	frames := content[len(amrMagic):]
	var length time.Duration
	for len(frames) > 0 {
		size := amrFrames[frames[0]>>3&15]
		if size == 0 || size > len(frames) {
			break
		}
		frames = frames[size:]
		length += 20 * time.Millisecond
	}
	return length
}

package worker

import "runtime"

// handlerStack is about what a handler needs, most of it to read WeCom's answer.
const handlerStack = 10 << 10

// growStack makes the goroutine's stack as large as its handler needs. asynq starts a
// goroutine for each task: its stack would grow three times, each time in the middle of a deep
// call, of which every frame is moved. That took a twelfth of a worker's processor time.
//
//go:noinline
func growStack() {
	var room [handlerStack]byte
	runtime.KeepAlive(&room)
}

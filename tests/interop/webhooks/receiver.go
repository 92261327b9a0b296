// A platform whose server checks what arrives with the Go of docs/webhooks-checking.md, by the key in X-Key. It answers
// 204, or 400 with the reason of a refusal; net/http closes the connection when the snippet panics.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"receiver/webhooks"
)

type check func(key string, header http.Header, body []byte) error

func (check check) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = check(r.Header.Get("X-Key"), r.Header, body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	http.Handle("/secret/", check(webhooks.Check))
	http.Handle("/public-key/", check(webhooks.CheckWithPublicKey))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, nil))
}

//! A buffer that is filled from its end.

/// A buffer that is filled from its end towards its beginning.
///
/// In protobuf the length of a message stands before it. Written from the end, it is known when it is due, however deep messages are in
/// one another: nothing is measured in advance.
pub(super) struct Backward {
    buffer: Vec<u8>,
    /// Where what is written begins.
    start: usize,
}

impl Backward {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { buffer: vec![0; bytes], start: bytes }
    }

    /// What is written.
    pub(super) fn written(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// How many bytes are written.
    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Forgets what is written.
    pub(super) fn clear(&mut self) {
        self.start = self.buffer.len();
    }

    /// Puts bytes before what is written.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.start < bytes.len() {
            self.grow(bytes.len());
        }
        let end = self.start;
        self.start -= bytes.len();
        self.buffer[self.start..end].copy_from_slice(bytes);
    }

    /// Puts a varint before what is written.
    #[inline]
    pub(super) fn put_varint(&mut self, number: u64) {
        if number < 0x80 {
            self.put(&[number as u8]);
        } else {
            self.put_long_varint(number);
        }
    }

    fn put_long_varint(&mut self, mut number: u64) {
        let mut digits = [0; super::field::MOST];
        let mut count = 0;
        while number >= 0x80 {
            digits[count] = number as u8 | 0x80;
            number >>= 7;
            count += 1;
        }
        digits[count] = number as u8;
        self.put(&digits[..=count]);
    }

    /// Puts a field of bytes or text before what is written.
    #[inline]
    pub(super) fn put_bytes(&mut self, key: u8, bytes: &[u8]) {
        self.put(bytes);
        self.put_varint(bytes.len() as u64);
        self.put(&[key]);
    }

    /// Puts a field that is a message before what is written; `fields` writes what is in it, from its end.
    #[inline]
    pub(super) fn put_message<E>(&mut self, key: u8, fields: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<(), E> {
        let behind = self.len();
        fields(self)?;
        self.put_varint((self.len() - behind) as u64);
        self.put(&[key]);
        Ok(())
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        let written = self.len();
        let mut buffer = vec![0; (2 * self.buffer.len()).max(written + bytes)];
        let start = buffer.len() - written;
        buffer[start..].copy_from_slice(self.written());
        (self.buffer, self.start) = (buffer, start);
    }
}

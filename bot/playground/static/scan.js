/** Reads the QR code out of a picture shown in the page, as a phone's camera would; the reader loads on first use. */

const SIDE_MAX = 1400;

/** @param {HTMLImageElement} image loaded, from this page's own origin. @returns {Promise<string|null>} its text. */
export async function readCode(image) {
  const { default: decodeQR } = await import("qr");
  const scale = Math.min(1, SIDE_MAX / Math.max(image.naturalWidth, image.naturalHeight));
  const width = Math.max(1, Math.round(image.naturalWidth * scale));
  const height = Math.max(1, Math.round(image.naturalHeight * scale));
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#ffffff"; // a transparent picture is read on white paper
  pen.fillRect(0, 0, width, height);
  pen.drawImage(image, 0, 0, width, height);
  try {
    return decodeQR({ width, height, data: pen.getImageData(0, 0, width, height).data });
  } catch {
    return null;
  }
}
